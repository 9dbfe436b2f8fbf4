// Which images and raters a step sees: a pure function of (seed, step), so that resuming needs the step alone.
import type { Case, Dataset } from '../dataset'
import { voxelCount } from '../distribution/logit-distribution'
import { randomInteger, shuffledIndices } from '../noise/random-integers'
import type { TrainingBatch } from './training-engine'

/** A batch and the cases that it was made of. */
export interface NamedBatch extends TrainingBatch {
  readonly ids: readonly string[]
}

/**
 * Gives the batch of each step, counted from 0.
 *
 * All epochs are laid end to end, each in its own random order, and cut into batches of `batchSize`: a batch may reach
 * into the next epoch, and no case is left out. Each case comes with one of its raters, every one equally likely.
 */
export function trainingBatches(
  dataset: Dataset,
  { batchSize, seed }: { readonly batchSize: number; readonly seed: number },
): (step: number) => Promise<NamedBatch> {
  let order: { readonly epoch: number; readonly indices: Uint32Array } | undefined
  const caseAt = (position: number): number => {
    const epoch = Math.floor(position / dataset.length)
    if (order?.epoch !== epoch)
      order = { epoch, indices: shuffledIndices(dataset.length, { seed, stream: epoch }) }
    return order.indices[position % dataset.length]!
  }
  return (step) => {
    const positions = Array.from({ length: batchSize }, (_, item) => step * batchSize + item)
    return batchOf(
      dataset,
      positions.map((position) => ({
        index: caseAt(position),
        rater: (raters) => randomInteger({ seed, index: position }, raters),
      })),
    )
  }
}

/** One item of a batch: a case, and which of its raters. */
export interface BatchItem {
  readonly index: number
  /** Chooses among 0 … raters − 1. */
  readonly rater: (raters: number) => number
}

/** Reads cases into one batch. */
export async function batchOf(dataset: Dataset, items: readonly BatchItem[]): Promise<NamedBatch> {
  const { channels, spatial } = dataset
  const voxels = voxelCount(spatial)
  const cases = await Promise.all(items.map(({ index }) => dataset.case(index)))
  const images = new Float32Array(items.length * channels * voxels)
  const labels = new Uint8Array(items.length * voxels)
  for (const [item, { image, raters }] of cases.entries()) {
    const rater = items[item]!.rater(raters.length / voxels)
    images.set(image, item * channels * voxels)
    labels.set(raters.subarray(rater * voxels, (rater + 1) * voxels), item * voxels)
  }
  const batch = { ids: cases.map(({ id }) => id), images, labels, batch: items.length, channels, spatial }
  return cases.some(({ roi }) => roi !== undefined) ? { ...batch, roi: regions(cases, voxels) } : batch
}

/** `[batch, *spatial]`; a case without a region of interest counts whole. */
function regions(cases: readonly Case[], voxels: number): Uint8Array {
  const output = new Uint8Array(cases.length * voxels).fill(1)
  for (const [item, { roi }] of cases.entries()) if (roi !== undefined) output.set(roi, item * voxels)
  return output
}
