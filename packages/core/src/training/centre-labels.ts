// What a network of valid convolutions is held against: the middle of the labels, as large as its output.
import { voxelCount } from '../distribution/logit-distribution'
import { ShapeError } from '../errors'
import type { TrainingBatch } from './training-engine'

/** The labels and region of interest that a loss compares with a prediction, `[batch, *S]` each. */
export type BatchLabels = Pick<TrainingBatch, 'labels' | 'roi'>

/**
 * The middle `output` voxels of a batch's labels and region of interest; of an odd margin, the smaller half lies before.
 *
 * Throws {@link ShapeError} for labels or a region without the image's size, and for an output larger than the image.
 */
export function centreLabels(
  { labels, roi, batch, spatial }: BatchLabels & Pick<TrainingBatch, 'batch' | 'spatial'>,
  output: readonly number[],
): BatchLabels {
  if (output.length !== spatial.length || output.some((length, axis) => length > spatial[axis]!)) {
    throw new ShapeError('network output', {
      found: output.join(' × '),
      expected: `at most the image's ${spatial.join(' × ')}`,
      remedy: 'Labels are known for the image alone: use a network whose output is no larger',
    })
  }
  const middle = (name: string, maps: Uint8Array): Uint8Array => {
    if (maps.length !== batch * voxelCount(spatial)) {
      throw new ShapeError(name, {
        found: `${maps.length} values`,
        expected: `[${[batch, ...spatial]}], the image's size`,
        remedy: "Give whole label maps: what lies outside the network's output is cut off here",
      })
    }
    return centreOf(maps, [batch, ...spatial], [batch, ...output])
  }
  return { labels: middle('labels', labels), ...(roi && { roi: middle('roi', roi) }) }
}

/** The middle of an array of any rank; the array itself where nothing is cut off. */
function centreOf(values: Uint8Array, shape: readonly number[], inner: readonly number[]): Uint8Array {
  if (inner.every((length, axis) => length === shape[axis])) return values
  const result = new Uint8Array(voxelCount(inner))
  const last = inner.length - 1
  const copy = (axis: number, from: number, to: number): void => {
    const start = from * shape[axis]! + Math.floor((shape[axis]! - inner[axis]!) / 2)
    const target = to * inner[axis]!
    if (axis === last) {
      result.set(values.subarray(start, start + inner[axis]!), target)
      return
    }
    for (let index = 0; index < inner[axis]!; index++) copy(axis + 1, start + index, target + index)
  }
  copy(0, 0, 0)
  return result
}
