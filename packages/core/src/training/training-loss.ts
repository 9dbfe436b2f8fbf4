// The loss of a training step: eq. 7, what may be mixed with it, and the first phase.
import type { LogitDistribution } from '../distribution/logit-distribution'
import { DETERMINISTIC_VARIANCE } from '../head'
import { type MonteCarloNllOptions, monteCarloNll } from '../loss/monte-carlo-nll'
import type { StepOptions, TrainingBatch } from './training-engine'

/** Of a loss, with respect to mean, factor and diagonal (variances), in their shapes. */
export interface LossGradients {
  readonly mean: Float32Array
  readonly factor: Float32Array
  readonly diagonal: Float32Array
}

/** What the loss depends on beside distribution and labels. */
export type TrainingLossOptions = Pick<TrainingBatch, 'roi'> &
  Pick<
    StepOptions,
    | 'phase'
    | 'samples'
    | 'antithetic'
    | 'seed'
    | 'stream'
    | 'meanLossWeight'
    | 'diagonalLossWeight'
    | 'classWeights'
  >

/**
 * The batch-mean loss in nats per image, with its gradients.
 *
 * Phase `mean`: the cross-entropy of the mean. Phase `all`: eq. 7, plus `meanLossWeight` × that cross-entropy, plus
 * `diagonalLossWeight` × eq. 7 without the factor, by the same noise.
 *
 * @param labels `[N, *S]`.
 * @throws as `monteCarloNll`.
 */
export function trainingLoss(
  distribution: LogitDistribution,
  labels: Uint8Array,
  options: TrainingLossOptions,
): { readonly loss: number; readonly gradients: LossGradients } {
  const { phase, samples, antithetic = false, seed, stream, roi, classWeights } = options
  const { meanLossWeight = 0, diagonalLossWeight = 0 } = options
  const independent: LogitDistribution = { ...distribution, rank: 0, factor: new Float32Array(0) }
  const certain = (): LogitDistribution => ({
    ...independent,
    diagonal: new Float32Array(distribution.diagonal.length).fill(DETERMINISTIC_VARIANCE),
  })
  const common = { seed, stream, gradients: true, classWeights, ...(roi && { roi }) }
  const drawn: MonteCarloNllOptions = { ...common, samples, antithetic }
  const meanTerm = (weight: number): Term => ({ weight, of: certain(), drawn: { ...common, samples: 1 } })
  if (phase === 'mean') return weightedSum(distribution, labels, [meanTerm(1)])
  return weightedSum(distribution, labels, [
    { weight: 1, of: distribution, drawn },
    ...(diagonalLossWeight > 0 ? [{ weight: diagonalLossWeight, of: independent, drawn }] : []),
    ...(meanLossWeight > 0 ? [meanTerm(meanLossWeight)] : []),
  ])
}

/** One of the losses that are added up: of which distribution, drawn how. */
interface Term {
  readonly weight: number
  readonly of: LogitDistribution
  readonly drawn: MonteCarloNllOptions
}

function weightedSum(
  { mean, factor, diagonal }: LogitDistribution,
  labels: Uint8Array,
  terms: readonly Term[],
): ReturnType<typeof trainingLoss> {
  const gradients = {
    mean: new Float32Array(mean.length),
    factor: new Float32Array(factor.length),
    diagonal: new Float32Array(diagonal.length),
  }
  let loss = 0
  for (const { weight, of, drawn } of terms) {
    const term = monteCarloNll(of, labels, drawn)
    loss += weight * term.loss
    add(gradients.mean, term.gradients!.mean, weight)
    add(gradients.factor, term.gradients!.factor, weight)
    // The variance of a certain mean is no parameter.
    if (of.diagonal === diagonal) add(gradients.diagonal, term.gradients!.diagonal, weight)
  }
  return { loss, gradients }
}

function add(target: Float32Array, values: Float32Array, weight: number): void {
  for (let index = 0; index < values.length; index++) target[index]! += weight * values[index]!
}
