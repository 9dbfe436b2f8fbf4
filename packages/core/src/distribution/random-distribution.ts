// Test support: distributions of any shape, and the float64 reference on the noise of the same seed.
import fc from 'fast-check'
import { drawNoise, standardNormals } from '../noise/draw-noise'
import type { Edits } from './edits'
import { type Float64NdArray, float64Array, float64Arrays } from './float64-arrays'
import { sampledLogits } from './formulas'
import { type LogitDistribution, logitDistribution, voxelCount } from './logit-distribution'

export interface DistributionSizes {
  readonly batch: number
  readonly classes: number
  readonly rank: number
  readonly spatial: readonly number[]
  readonly seed: number
}

export interface SampledSizes extends DistributionSizes {
  readonly samples: number
  readonly first: number
  readonly stream: number
}

/** Sizes from empty to blocks and blocks of voxels, mostly small, with options that say which samples. */
export const anySizes: fc.Arbitrary<SampledSizes> = fc.record({
  batch: fc.integer({ min: 0, max: 3 }),
  classes: fc.integer({ min: 1, max: 6 }),
  rank: fc.integer({ min: 0, max: 12 }),
  spatial: fc.oneof(
    { weight: 10, arbitrary: fc.tuple(fc.nat(40)) },
    { weight: 10, arbitrary: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 8 })) },
    { weight: 1, arbitrary: fc.tuple(fc.integer({ min: 41, max: 3000 })) },
  ),
  samples: fc.integer({ min: 1, max: 9 }),
  seed: fc.maxSafeNat(),
  first: fc.nat(1000),
  stream: fc.nat(1e6),
})

/** Standard normal mean and factor, log-normal diagonal. */
export function randomDistribution(sizes: DistributionSizes): LogitDistribution {
  const { batch, classes, rank, spatial, seed } = sizes
  const size = batch * classes * voxelCount(spatial)
  return logitDistribution({
    batch,
    classes,
    rank,
    spatial,
    mean: standardNormals(size, { seed, plane: 1 }),
    factor: standardNormals(size * rank, { seed, plane: 2 }),
    diagonal: standardNormals(size, { seed, plane: 3 }).map(Math.exp),
  })
}

/** What `sampleLogits` should give, `[M, N, C, S]`, by the formulas in float64. */
export function referenceLogits(
  distribution: LogitDistribution,
  sizes: SampledSizes,
  edits: Edits = {},
): Float64NdArray {
  const { batch, classes, rank, mean, factor, diagonal } = distribution
  const { samples } = sizes
  const voxels = voxelCount(distribution.spatial)
  const { z, epsilon } = drawNoise(sizes)
  const { temperature = 1, classScale = ones(classes), componentScale = ones(rank) } = edits
  return sampledLogits(
    float64Arrays,
    {
      mean: float64Array(mean, [batch, classes, voxels]),
      diagonal: float64Array(diagonal, [batch, classes, voxels]),
      ...(rank > 0 && { factor: float64Array(factor, [batch, classes, rank, voxels]) }),
    },
    {
      z: float64Array(z, [samples, batch, rank]),
      epsilon: float64Array(epsilon, [samples, batch, classes, voxels]),
    },
    {
      classScale: float64Array(
        classScale.map((scale) => scale * temperature),
        [classes],
      ),
      componentScale: float64Array(componentScale, [rank]),
    },
  )
}

function ones(count: number): number[] {
  return new Array<number>(count).fill(1)
}
