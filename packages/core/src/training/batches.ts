// Which images and raters a step sees: a pure function of (seed, step), so that resuming needs the step alone.
import type { Dataset } from '../dataset'
import { voxelCount } from '../distribution/logit-distribution'
import { DataError, ShapeError, StochsegError, ValueError } from '../errors'
import { randomInteger, shuffledIndices } from '../noise/random-integers'
import { UINT32_RANGE } from '../whole-number'
import type { CaseTransform, SizedCase } from './case-transform'
import type { TrainingBatch } from './training-engine'

/** A case that was left out, and why. */
export interface SkippedCase {
  /** The case's id, or its place in the data set where it could not be read at all. */
  readonly id: string
  readonly reason: string
}

/** A batch, the cases that it was made of, and those that others stand in for. */
export interface NamedBatch extends TrainingBatch {
  readonly ids: readonly string[]
  readonly skipped: readonly SkippedCase[]
}

/** Where batches come from. */
export interface BatchSource {
  readonly dataset: Dataset
  readonly seed: number
  /** Applied to each case once its rater is chosen. */
  readonly transform?: CaseTransform | undefined
  /** Whether a case that cannot be used ends the run (the default), or the next usable one of the data set replaces it. */
  readonly onBadCase?: 'stop' | 'skip' | undefined
}

/** One item of a batch: a case, which of its raters, and the place in the run that its transform draws from. */
export interface BatchItem {
  readonly index: number
  /** Chooses among 0 … raters − 1. */
  readonly rater: (raters: number) => number
  readonly position: number
}

/**
 * Gives the batch of each step, counted from 0.
 *
 * All epochs are laid end to end, each in its own random order, and cut into batches of `batchSize`: a batch may reach
 * into the next epoch, and no case is left out. Each case comes with one of its raters, every one equally likely.
 */
export function trainingBatches(
  source: BatchSource,
  { batchSize }: { readonly batchSize: number },
): (step: number) => Promise<NamedBatch> {
  const { dataset, seed } = source
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
      source,
      positions.map((position) => ({
        index: caseAt(position),
        rater: (raters) => randomInteger({ seed, index: position }, raters),
        position,
      })),
    )
  }
}

/**
 * Reads and transforms cases into one batch.
 *
 * @throws ValueError naming the case for an image that is not finite and for labels inside the region of interest that are
 * no class; ShapeError for arrays that do not fit, and for cases of several sizes; and what the data set and the transform
 * throw. With `onBadCase: 'skip'`, a case with such an error is replaced; DataError when no case is left.
 */
export async function batchOf(source: BatchSource, items: readonly BatchItem[]): Promise<NamedBatch> {
  const found = await Promise.all(items.map((item) => usableCase(source, item)))
  const cases = found.map((item) => item.usable)
  const { channels, spatial } = commonSize(cases)
  const voxels = voxelCount(spatial)
  const images = new Float32Array(cases.length * channels * voxels)
  const labels = new Uint8Array(cases.length * voxels)
  for (const [item, { image, raters }] of cases.entries()) {
    images.set(image, item * channels * voxels)
    labels.set(raters, item * voxels)
  }
  return {
    ...{ images, labels, batch: cases.length, channels, spatial },
    ...(cases.some(({ roi }) => roi) && { roi: regions(cases, voxels) }),
    ids: cases.map(({ id }) => id),
    skipped: found.flatMap(({ skipped }) => skipped),
  }
}

/** The case of an item, or with `onBadCase: 'skip'` the next usable one of the data set. */
async function usableCase(
  source: BatchSource,
  item: BatchItem,
): Promise<{ readonly usable: SizedCase; readonly skipped: readonly SkippedCase[] }> {
  const { dataset, onBadCase } = source
  const skipped: SkippedCase[] = []
  for (let offset = 0; offset < dataset.length; offset++) {
    const index = (item.index + offset) % dataset.length
    let id = `number ${index} of ${dataset.name}`
    try {
      const read = await dataset.case(index)
      id = read.id
      // Patches of one case stand one after the other.
      if (skipped.some((earlier) => earlier.id === id)) continue
      return { usable: await preparedCase(source, item, read), skipped }
    } catch (error) {
      if (onBadCase !== 'skip' || !(error instanceof StochsegError)) throw error
      skipped.push({ id, reason: error.message })
    }
  }
  throw new DataError(dataset.name, {
    found: `no usable case, e.g. ${skipped[0]!.reason}`,
    expected: 'at least one',
    remedy: 'Correct the data',
  })
}

/** A case as the batch takes it: with one rater, transformed, checked. */
async function preparedCase(
  { dataset, seed, transform }: BatchSource,
  { rater, position }: BatchItem,
  read: Awaited<ReturnType<Dataset['case']>>,
): Promise<SizedCase> {
  const { channels, spatial, classes } = dataset
  const whole: SizedCase = { channels, spatial, ...read }
  const voxels = voxelCount(whole.spatial)
  checkSizes(whole)
  const chosen = rater(whole.raters.length / voxels)
  const raters = whole.raters.subarray(chosen * voxels, (chosen + 1) * voxels)
  const single = { ...whole, raters }
  if (!transform) return checkedValues(single, classes)
  const transformed = await transform(single, { seed: transformSeed(seed), position })
  checkSizes(transformed)
  return checkedValues(transformed, classes)
}

/** Another seed than the run's: what a transform draws has nothing to do with which rater was drawn. */
function transformSeed(seed: number): number {
  return randomInteger({ seed, stream: UINT32_RANGE - 1, index: 0 }, UINT32_RANGE)
}

function checkSizes({ id, image, raters, roi, channels, spatial }: SizedCase): void {
  const voxels = voxelCount(spatial)
  const fits =
    image.length === channels * voxels &&
    raters.length > 0 &&
    raters.length % voxels === 0 &&
    (roi?.length ?? voxels) === voxels
  if (fits) return
  throw new ShapeError(`case '${id}'`, {
    found: `${image.length} intensities, ${raters.length} labels${roi ? `, ${roi.length} voxels of interest` : ''}`,
    expected: `an image [${[channels, ...spatial]}], whole label maps [raters, ${spatial}] and regions [${spatial}]`,
    remedy: 'Correct the case, or the transform that made it',
  })
}

function checkedValues(item: SizedCase, classes: number): SizedCase {
  const { id, image, raters, roi } = item
  const wrong = image.findIndex((value) => !Number.isFinite(value))
  if (wrong >= 0) {
    throw new ValueError(`image of case '${id}'`, {
      found: `${image[wrong]} at index ${wrong}`,
      expected: 'finite intensities',
      remedy: "Correct the image, or leave such cases out with onBadCase 'skip'",
    })
  }
  const values = Math.max(classes, 2)
  const foreign = raters.findIndex((label, voxel) => label >= values && roi?.[voxel] !== 0)
  if (foreign >= 0) {
    throw new ValueError(`labels of case '${id}'`, {
      found: `label ${raters[foreign]} at voxel ${foreign}`,
      expected: `labels from 0 to ${values - 1}`,
      remedy:
        "Map the labels to classes, set the region of interest to 0 there, or leave such cases out with onBadCase 'skip'",
    })
  }
  return item
}

function commonSize(cases: readonly SizedCase[]): Pick<SizedCase, 'channels' | 'spatial'> {
  const [first, ...others] = cases as readonly [SizedCase, ...SizedCase[]]
  const describe = ({ channels, spatial }: SizedCase): string => `[${[channels, ...spatial]}]`
  const other = others.find((item) => describe(item) !== describe(first))
  if (!other) return first
  throw new ShapeError('batch', {
    found: `${describe(first)} in case '${first.id}', ${describe(other)} in case '${other.id}'`,
    expected: 'images of one size',
    remedy: 'Cut patches of one size with a transform, or train with a batch size of 1',
  })
}

/** `[batch, *spatial]`; a case without a region of interest counts whole. */
function regions(cases: readonly SizedCase[], voxels: number): Uint8Array {
  const output = new Uint8Array(cases.length * voxels).fill(1)
  for (const [item, { roi }] of cases.entries()) if (roi !== undefined) output.set(roi, item * voxels)
  return output
}
