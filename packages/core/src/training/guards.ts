// What ends a run before it does harm: losses that cannot be right, and states that are not worth keeping.
import { logitDistribution } from '../distribution/logit-distribution'
import { TrainingError, ValueError } from '../errors'
import type { Weights } from '../weights'
import type { NamedBatch } from './batches'
import type { StepResult, TrainingEngine } from './training-engine'
import type { TrainingOptions } from './training-options'

/** A loss this many times that of uniform probabilities has exploded. */
const EXPLODED = 1000
/** So many losses of exactly 0 in a row are no luck. */
const ZEROS_IN_A_ROW = 3

/** Where a run stands, and where the checkpoint `last` does. */
export interface Progress {
  readonly step: number
  readonly savedStep: number
}

/** What a loss is summed up of, which decides how large that of guessing is. */
type LossWeights = Pick<TrainingOptions, 'classWeights' | 'meanLossWeight' | 'diagonalLossWeight'>

/**
 * Gives a function that throws {@link TrainingError} for the result of a step: a loss or a gradient that is not finite, a
 * loss that has exploded, and losses of exactly 0, one after the other, where there are voxels to learn (by class weights
 * without a 0: by others, images without the classes that count have such a loss).
 */
export function lossGuard(
  classes: number,
  weights: LossWeights,
): (result: StepResult, batch: NamedBatch, progress: Progress) => void {
  const zeroIsRight = weights.classWeights?.includes(0) ?? false
  let zeros = 0
  return ({ loss, gradientNorm }, batch, progress) => {
    const on = `on ${batch.ids.join(', ')}`
    if (!Number.isFinite(loss)) throw diverged(`loss ${loss} ${on}`, 'a finite loss', progress)
    if (gradientNorm !== undefined && !Number.isFinite(gradientNorm)) {
      throw diverged(`a gradient of norm ${gradientNorm} ${on}`, 'a finite gradient', progress)
    }
    const limit = EXPLODED * lossOfGuessing(batch, classes, weights)
    if (limit > 0 && loss > limit) {
      const expected = `less than ${limit.toPrecision(3)}, ${EXPLODED} times the loss of guessing`
      throw diverged(`loss ${loss.toPrecision(4)} ${on}`, expected, progress)
    }
    if (limit > 0) zeros = loss === 0 && !zeroIsRight ? zeros + 1 : 0
    if (zeros < ZEROS_IN_A_ROW) return
    throw new TrainingError(`training step ${progress.step}`, {
      found: `a loss of exactly 0, ${ZEROS_IN_A_ROW} times in a row`,
      expected: 'a loss > 0, as there are voxels to learn',
      remedy:
        'Nothing is being computed, or there is nothing to learn: check the installation with `stochseg doctor`, and whether the label maps hold more than one label',
    })
  }
}

/** The loss of uniform probabilities, in nats per image. */
function lossOfGuessing(
  { roi, labels, batch }: NamedBatch,
  classes: number,
  { classWeights, meanLossWeight, diagonalLossWeight }: LossWeights,
): number {
  let voxels = 0
  for (let voxel = 0; voxel < labels.length; voxel++) {
    if (roi?.[voxel] !== 0) voxels += classWeights?.[labels[voxel]!] ?? 1
  }
  return ((1 + meanLossWeight + diagonalLossWeight) * voxels * Math.log(Math.max(classes, 2))) / batch
}

/**
 * Throws {@link TrainingError} unless a state is worth keeping: every number of it is finite, and so is what the network
 * gives for the images of `batch`.
 */
export async function checkState(
  engine: TrainingEngine,
  state: { readonly weights: Weights; readonly optimizer: Weights },
  batch: NamedBatch | undefined,
  progress: Progress,
): Promise<void> {
  for (const [name, { data }] of [...state.weights, ...state.optimizer]) {
    const index = data.findIndex((value) => !Number.isFinite(value))
    if (index >= 0) throw diverged(`${data[index]} in ${name}`, 'finite numbers', progress)
  }
  if (!batch) return
  try {
    logitDistribution(await engine.predict(batch.images, batch.batch, batch.spatial))
  } catch (error) {
    if (!(error instanceof ValueError)) throw error
    throw diverged(`a network that gives ${error.found} in ${error.subject}`, 'finite logits', progress)
  }
}

/** The error of a run that went astray: what to do, and from where one can go on. */
export function diverged(found: string, expected: string, { step, savedStep }: Progress): TrainingError {
  const again =
    savedStep > 0
      ? `The checkpoint of step ${savedStep} is good. Go on from it, or start again,`
      : 'No checkpoint was saved yet. Start again'
  return new TrainingError(`training step ${step}`, {
    found,
    expected,
    remedy: `${again} with a lower learning rate, a warm-up, clipped gradients or a longer mean phase`,
  })
}
