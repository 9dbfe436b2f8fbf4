// What the sampling functions share: their options, and a sampler for each image.
import { type Edits, scalesOf } from '../distribution/edits'
import {
  checkedDistribution,
  imageDistribution,
  type LogitDistribution,
  voxelCount,
} from '../distribution/logit-distribution'
import { type NoiseOptions, noiseOfImages } from '../noise/noise-options'
import { type VoxelSampler, voxelSampler } from './voxel-sampler'

/** Which samples, and how they are edited. */
export interface SamplingOptions extends NoiseOptions {
  readonly edits?: Edits
}

/** A checked distribution's sizes, and its images one after another. */
export interface PreparedSampling {
  readonly batch: number
  readonly classes: number
  readonly voxels: number
  readonly samplers: () => Iterable<[image: number, sampler: VoxelSampler]>
}

/** Checks everything that sampling functions share, and gives a sampler for each image of the batch. */
export function prepareSampling(given: LogitDistribution, options: SamplingOptions): PreparedSampling {
  const distribution = checkedDistribution(given)
  const { batch, classes, spatial } = distribution
  const noiseOf = noiseOfImages(distribution, options)
  const scales = scalesOf(options.edits, distribution)
  function* samplers(): Generator<[image: number, sampler: VoxelSampler]> {
    for (let image = 0; image < batch; image++) {
      yield [image, voxelSampler(imageDistribution(distribution, image), noiseOf(image), scales)]
    }
  }
  return { batch, classes, voxels: voxelCount(spatial), samplers }
}
