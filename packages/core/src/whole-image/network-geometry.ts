// Which image sizes a network takes and what size comes out: what tiling an image has to know of it.
import { ShapeError } from '../errors'

/** The sizes that a network takes along each axis: `minimumSize + k · multipleOf`, k = 0, 1, … */
export interface InputSizes {
  readonly minimumSize: readonly number[]
  /** Step between two sizes; an image's size must be a multiple of it where `minimumSize` is. */
  readonly multipleOf: readonly number[]
}

/** What a network does to sizes. */
export interface NetworkGeometry extends InputSizes {
  /**
   * Input voxels along each axis that one output voxel can depend on, at most. The statistics of group normalisation,
   * which depend on the whole image, are not counted.
   */
  readonly receptiveField: readonly number[]
  /** Size of the output for inputs of `input` voxels. Throws {@link ShapeError} naming the size to pad to. */
  outputSize(input: readonly number[]): number[]
}

/** The smallest size that a network takes and that is no smaller than `size` along any axis. */
export function paddedSize({ minimumSize, multipleOf }: InputSizes, size: readonly number[]): number[] {
  return minimumSize.map((least, axis) => {
    const steps = Math.ceil(Math.max(size[axis]! - least, 0) / multipleOf[axis]!)
    return least + steps * multipleOf[axis]!
  })
}

/** Throws {@link ShapeError}, naming the smallest size that fits and is no smaller, unless the network takes `size`. */
export function checkInputSize(sizes: InputSizes, size: readonly number[]): void {
  const { minimumSize, multipleOf } = sizes
  const padded = paddedSize(sizes, size)
  if (size.length === padded.length && padded.every((length, axis) => length === size[axis])) return
  throw new ShapeError('image size', {
    found: size.join(' × '),
    expected: `${minimumSize.join(' × ')} or larger by multiples of ${multipleOf.join(' × ')}`,
    remedy:
      size.length === padded.length
        ? `Pad the image to ${padded.join(' × ')}`
        : `Give ${padded.length}-dimensional images`,
  })
}
