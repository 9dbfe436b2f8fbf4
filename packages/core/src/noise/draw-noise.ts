// Normals in bulk: the noise of samples, as arrays, and plain sequences for initial weights and generators.
import { voxelCount } from '../distribution/logit-distribution'
import { UINT32_RANGE, wholeNumber } from '../whole-number'
import { FACTOR_PLANE, NORMAL_PLANE, normalQuadInto, seedKey } from './noise'

/** The standard normals behind M samples of N images. */
export interface Noise {
  /** `[M, N, R]`: one vector a sample, shared by all voxels. */
  readonly z: Float32Array
  /** `[M, N, C, *S]`: independent for every logit. */
  readonly epsilon: Float32Array
}

/** Which samples of which image: what a normal depends on, beside its class and voxel or component. */
export interface SampleRange {
  readonly key: readonly [number, number]
  readonly stream: number
  /** Index of the first sample. */
  readonly first: number
  readonly samples: number
}

const quad = new Float32Array(4)

/**
 * The normals of samples `first … first + samples − 1` at one (index, plane), written to `output` at
 * `offset`, `offset + stride`, …
 */
export function normalsOfSamplesInto(
  output: Float32Array,
  offset: number,
  stride: number,
  { key, stream, first, samples }: SampleRange,
  index: number,
  plane: number,
): void {
  const end = first + samples
  for (let start = first - (first % 4); start < end; start += 4) {
    normalQuadInto(quad, 0, key, index, plane, start / 4, stream)
    const from = Math.max(start, first)
    const to = Math.min(start + 4, end)
    for (let sample = from; sample < to; sample++) {
      output[offset + (sample - first) * stride] = quad[sample - start]!
    }
  }
}

/** Checks a stream: image n of a batch has `stream + n`, which must stay a 32-bit integer. */
export function checkedStream(stream: number, batch = 1): number {
  return wholeNumber('stream', stream, {
    most: UINT32_RANGE - Math.max(batch, 1),
    remedy: 'Streams are 32-bit: choose a smaller one, or another seed',
  })
}

/** Checks a sample count and the index of the first. Sample indices lie below 2^34. */
export function checkSampleRange(samples: number, first: number): void {
  wholeNumber('samples', samples, { least: 1, most: 4 * UINT32_RANGE, remedy: 'Ask for at least one sample' })
  wholeNumber('first', first, {
    most: 4 * UINT32_RANGE - samples,
    remedy: 'It is the index of the first sample, 0 by default',
  })
}

/**
 * The noise that sampling with the same (seed, stream, first) uses.
 *
 * @param options sizes of the distribution, `samples` ≥ 1, `seed` in [0, 2^53), `stream` of the first image (0),
 * index of the `first` sample (0).
 * @returns z `[M, N, R]` and epsilon `[M, N, C, *S]`.
 * @throws ValueError for a number out of range.
 */
export function drawNoise(options: {
  readonly batch: number
  readonly classes: number
  readonly rank: number
  readonly spatial: readonly number[]
  readonly samples: number
  readonly seed: number
  readonly stream?: number
  readonly first?: number
}): Noise {
  const { batch, classes, rank, samples, seed, first = 0 } = options
  const key = seedKey(seed)
  const firstStream = checkedStream(options.stream ?? 0, batch)
  checkSampleRange(samples, first)
  const voxels = voxelCount(options.spatial)
  const z = new Float32Array(samples * batch * rank)
  const epsilon = new Float32Array(samples * batch * classes * voxels)
  for (let image = 0; image < batch; image++) {
    const range = { key, stream: firstStream + image, first, samples }
    for (let component = 0; component < rank; component++) {
      normalsOfSamplesInto(z, image * rank + component, batch * rank, range, component, FACTOR_PLANE)
    }
    for (let klass = 0; klass < classes; klass++) {
      const plane = (image * classes + klass) * voxels
      for (let voxel = 0; voxel < voxels; voxel++) {
        normalsOfSamplesInto(epsilon, plane + voxel, batch * classes * voxels, range, voxel, klass)
      }
    }
  }
  return { z, epsilon }
}

/**
 * Independent standard normals that belong to no sample: initial weights, generated data.
 *
 * @param options `seed` in [0, 2^53); `stream` and `plane` (0 by default) tell sequences apart.
 * @throws ValueError for a number out of range.
 */
export function standardNormals(
  count: number,
  {
    seed,
    stream = 0,
    plane = 0,
  }: { readonly seed: number; readonly stream?: number; readonly plane?: number },
): Float32Array {
  const key = seedKey(seed)
  checkedStream(stream)
  wholeNumber('count', count, { most: UINT32_RANGE, remedy: 'It is the number of normals to draw' })
  wholeNumber('plane', plane, { most: UINT32_RANGE - 1, remedy: 'Planes are 32-bit' })
  const padded = new Float32Array(Math.ceil(count / 4) * 4)
  for (let offset = 0; offset < count; offset += 4) {
    normalQuadInto(padded, offset, key, offset / 4, NORMAL_PLANE, plane, stream)
  }
  return padded.subarray(0, count)
}
