// Images of any size for a network that wants multiples of something: mirrored at the border, predicted, cropped back.
import { type LogitDistribution, ModelError, voxelCount } from '@stochseg/core'
import { type InputSizes, paddedSize } from './geometry'

/** A network's forward pass on planar images `[batch, channels, *spatial]`. */
export type Predict = (
  images: Float32Array,
  batch: number,
  spatial: readonly number[],
) => Promise<LogitDistribution>

/**
 * The same forward pass for images of any size, for a network whose output has the size of its input. (A network by
 * itself refuses a size that does not fit, with an error that names the size to pad to: take whichever you prefer.)
 *
 * Throws {@link ModelError} for a network whose output is smaller than its input.
 */
export function paddedPrediction(predict: Predict, sizes: InputSizes): Predict {
  return async (images, batch, spatial) => {
    const padded = paddedSize(sizes, spatial)
    if (padded.every((size, axis) => size === spatial[axis])) return predict(images, batch, spatial)

    const before = spatial.map((size, axis) => Math.floor((padded[axis]! - size) / 2))
    const mirrored = padded.map((size, axis) =>
      range(size).map((at) => mirror(at - before[axis]!, spatial[axis]!)),
    )
    const inner = spatial.map((size, axis) => range(size).map((at) => at + before[axis]!))
    const crop = (planes: Float32Array): Float32Array => takeVoxels(planes, padded, inner)

    const whole = await predict(takeVoxels(images, spatial, mirrored), batch, padded)
    if (String(whole.spatial) !== String(padded)) {
      throw new ModelError('padded prediction', {
        found: `an output of ${whole.spatial.join(' × ')} for an image of ${padded.join(' × ')}`,
        expected: 'an output of the same size',
        remedy: 'Predict tiles that the network takes, and put their outputs side by side',
      })
    }
    return {
      ...whole,
      spatial: [...spatial],
      mean: crop(whole.mean),
      factor: crop(whole.factor),
      diagonal: crop(whole.diagonal),
    }
  }
}

/** The voxels at `indices` (a list for each axis) of every plane `[*spatial]` in `planes`. */
function takeVoxels(
  planes: Float32Array,
  spatial: readonly number[],
  indices: readonly (readonly number[])[],
): Float32Array {
  const offsets = indices.reduce<number[]>(
    (outer, along, axis) => outer.flatMap((offset) => along.map((index) => offset * spatial[axis]! + index)),
    [0],
  )
  const voxels = voxelCount(spatial)
  const count = planes.length / voxels
  const taken = new Float32Array(count * offsets.length)
  for (let plane = 0; plane < count; plane++) {
    for (let index = 0; index < offsets.length; index++) {
      taken[plane * offsets.length + index] = planes[plane * voxels + offsets[index]!]!
    }
  }
  return taken
}

/** Where `index` falls when a row of `size` voxels is mirrored at its ends, again and again. */
function mirror(index: number, size: number): number {
  const within = ((index % (2 * size)) + 2 * size) % (2 * size)
  return within < size ? within : 2 * size - 1 - within
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}
