// How callers choose noise: by seed, or explicitly. Shared by sampling and the loss.
import { type LogitDistribution, voxelCount } from '../distribution/logit-distribution'
import { ShapeError, ValueError } from '../errors'
import { checkedStream, checkSampleRange, type Noise } from './draw-noise'
import { drawnNoise, explicitNoise, type ImageNoise } from './image-noise'
import { seedKey } from './noise'

/** Which samples: the same (seed, stream, index) is the same sample, whatever else is asked for. */
export interface NoiseOptions {
  /** Number of samples M ≥ 1. */
  readonly samples: number
  /** A whole number in [0, 2^53). */
  readonly seed: number
  /** Noise stream of the first image, 0 by default; image n of the batch has `stream + n`. 32-bit. */
  readonly stream?: number
  /** Index of the first sample, 0 by default: samples 10 … 19 are those of `first: 10, samples: 10`. */
  readonly first?: number
  /** Explicit noise, for tests; then `seed`, `stream` and `first` say nothing. */
  readonly noise?: Noise
}

/**
 * Checks the options and gives the noise of image n.
 *
 * @throws ValueError for a number out of range or noise that is not finite; ShapeError for noise of another size.
 */
export function noiseOfImages(
  distribution: Pick<LogitDistribution, 'batch' | 'classes' | 'rank' | 'spatial'>,
  { samples, seed, stream = 0, first = 0, noise }: NoiseOptions,
): (image: number) => ImageNoise {
  const { batch, classes, rank, spatial } = distribution
  checkSampleRange(samples, first)
  if (noise === undefined) {
    const key = seedKey(seed)
    checkedStream(stream, batch)
    return (image) => drawnNoise({ key, stream: stream + image, first, samples }, rank)
  }
  checkNoise('noise.z', noise.z, [samples, batch, rank])
  checkNoise('noise.epsilon', noise.epsilon, [samples, batch, classes, ...spatial])
  const sizes = { samples, batch, classes, rank, voxels: voxelCount(spatial) }
  return (image) => explicitNoise(noise, image, sizes)
}

function checkNoise(name: string, array: Float32Array, shape: readonly number[]): void {
  const length = voxelCount(shape)
  if (!(array instanceof Float32Array) || array.length !== length) {
    throw new ShapeError(name, {
      found: array instanceof Float32Array ? `${array.length} values` : Object.prototype.toString.call(array),
      expected: `a Float32Array of ${length} values for shape [${shape}]`,
      remedy: 'Explicit noise is z [M,N,R] and epsilon [M,N,C,*S]; antithetic samples take half as many rows',
    })
  }
  const wrong = array.findIndex((value) => !Number.isFinite(value))
  if (wrong >= 0) {
    throw new ValueError(name, {
      found: `${array[wrong]} at index ${wrong}`,
      expected: 'finite numbers',
      remedy: 'Draw it with drawNoise',
    })
  }
}
