// log p(label | logits) at one voxel of one sample, stable for logits of any size.

/** log σ(x), without overflow: −log(1 + exp(−x)). */
export function logSigmoid(x: number): number {
  return Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)))
}

/**
 * Log-probability of `label` under the C logits at `offset`, `offset + stride`, …: log-softmax, or log-sigmoid for one
 * class.
 */
export function labelLogProbability(
  logits: Float32Array,
  offset: number,
  stride: number,
  classes: number,
  label: number,
): number {
  if (classes === 1) return logSigmoid(label === 1 ? logits[offset]! : -logits[offset]!)
  return logits[offset + label * stride]! - logSumExpOfLogits(logits, offset, stride, classes)
}

/** log Σ exp over the C logits at `offset`, `offset + stride`, … */
export function logSumExpOfLogits(
  logits: Float32Array,
  offset: number,
  stride: number,
  classes: number,
): number {
  let largest = logits[offset]!
  for (let klass = 1; klass < classes; klass++) largest = Math.max(largest, logits[offset + klass * stride]!)
  let sum = 0
  for (let klass = 0; klass < classes; klass++) sum += Math.exp(logits[offset + klass * stride]! - largest)
  return largest + Math.log(sum)
}
