// The paper's equations, once, over any ArrayOps. Everything faster is tested against these lines.
//
// Sizes: M samples, N images, C classes, R rank, S voxels (all spatial axes as one), K = max(C, 2) label values.
import type { ArrayOps } from './array-ops'

/** The parameters of logits | image ~ Normal(mean, P Pᵀ + D). */
export interface DistributionArrays<T> {
  /** `[N, C, S]`. */
  readonly mean: T
  /** P, `[N, C, R, S]`; none when the rank is 0. */
  readonly factor?: T
  /** The diagonal of D, `[N, C, S]`: variances > 0. */
  readonly diagonal: T
}

/** Standard normals. */
export interface NoiseArrays<T> {
  /** `[M, N, R]`; unused when there is no factor. */
  readonly z: T
  /** `[M, N, C, S]`. */
  readonly epsilon: T
}

/** Factors on the random part of the logits. */
export interface EditArrays<T> {
  /** Temperature times class scale, `[C]`. */
  readonly classScale: T
  /** `[R]`. */
  readonly componentScale: T
}

/** What is observed. */
export interface LabelArrays<T> {
  /** One-hot labels, `[N, K, S]`: see `labelTargets`. */
  readonly targets: T
  /** `[N, S]`, 1 where a voxel counts, 0 where not; all count by default. */
  readonly roi?: T
}

/** Samples of the logits, `[M, N, C, S]`: mean + P z + √D ε (eq. 5, reparameterised), the random part scaled by edits. */
export function sampledLogits<T>(
  ops: ArrayOps<T>,
  { mean, factor, diagonal }: DistributionArrays<T>,
  { z, epsilon }: NoiseArrays<T>,
  edits?: EditArrays<T>,
): T {
  let deviation = ops.multiply(ops.sqrt(diagonal), epsilon)
  if (factor !== undefined) {
    const weighted = edits ? ops.multiply(z, edits.componentScale) : z
    // [N, 1, M, R] × [N, C, R, S] → [N, C, M, S]
    const lowRank = ops.matMul(ops.expandDims(ops.transpose(weighted, [1, 0, 2]), 1), factor)
    deviation = ops.add(ops.transpose(lowRank, [2, 0, 1, 3]), deviation)
  }
  if (edits) deviation = ops.multiply(ops.expandDims(edits.classScale, 1), deviation)
  return ops.add(mean, deviation)
}

/**
 * Log-probabilities of the labels, `[…, K, S]` for logits `[…, C, S]`: log-softmax over the classes.
 *
 * One class is the softmax of (0, logit), which is the sigmoid.
 */
export function labelLogProbabilities<T>(ops: ArrayOps<T>, logits: T, classes: number): T {
  const all = classes === 1 ? ops.multiply(logits, ops.constant([0, 1], [2, 1])) : logits
  return ops.subtract(all, ops.expandDims(ops.logSumExp(all, -2), -2))
}

/** Σ over voxels of log p(label | logits): `[M, N]` for logits `[M, N, C, S]`, `[N]` for `[N, C, S]`. */
export function labelLogLikelihood<T>(
  ops: ArrayOps<T>,
  logits: T,
  { targets, roi }: LabelArrays<T>,
  classes: number,
): T {
  const perVoxel = ops.sum(ops.multiply(targets, labelLogProbabilities(ops, logits, classes)), -2)
  return ops.sum(roi === undefined ? perVoxel : ops.multiply(roi, perVoxel), -1)
}

/** The Monte-Carlo loss of each image, `[N]` for logits `[M, N, C, S]`: −logsumexpₘ(log-likelihood) + log M (eq. 7). */
export function monteCarloLoss<T>(
  ops: ArrayOps<T>,
  logits: T,
  labels: LabelArrays<T>,
  { classes, samples }: { readonly classes: number; readonly samples: number },
): T {
  const logLikelihood = labelLogLikelihood(ops, logits, labels, classes)
  return ops.subtract(ops.constant([Math.log(samples)], []), ops.logSumExp(logLikelihood, 0))
}

/** The cross-entropy of the mean alone, `[N]` for a mean `[N, C, S]`: what training begins with. */
export function meanCrossEntropy<T>(ops: ArrayOps<T>, mean: T, labels: LabelArrays<T>, classes: number): T {
  return ops.subtract(ops.constant([0], []), labelLogLikelihood(ops, mean, labels, classes))
}

/** Logarithms of the label probabilities averaged over samples, `[N, K, S]` for logits `[M, N, C, S]`. */
export function logMarginalProbabilities<T>(
  ops: ArrayOps<T>,
  logits: T,
  { classes, samples }: { readonly classes: number; readonly samples: number },
): T {
  const sum = ops.logSumExp(labelLogProbabilities(ops, logits, classes), 0)
  return ops.subtract(sum, ops.constant([Math.log(samples)], []))
}

/** Entropy of the averaged probabilities, in [0, 1]: `[N, S]` for `[N, K, S]`, logarithm to base K (eq. 9). */
export function marginalEntropyOf<T>(ops: ArrayOps<T>, logProbabilities: T, classes: number): T {
  const negativeEntropy = ops.sum(ops.multiply(ops.exp(logProbabilities), logProbabilities), -2)
  return ops.multiply(ops.constant([-1 / Math.log(Math.max(classes, 2))], []), negativeEntropy)
}
