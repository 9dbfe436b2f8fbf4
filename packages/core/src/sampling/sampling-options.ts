// What the sampling functions share: their options, and what each image is sampled with.
import { type Edits, type Scales, scalesOf } from '../distribution/edits'
import {
  checkedDistribution,
  type ImageDistribution,
  imageDistribution,
  type LogitDistribution,
  voxelCount,
} from '../distribution/logit-distribution'
import type { ImageNoise } from '../noise/image-noise'
import { type NoiseOptions, noiseOfImages } from '../noise/noise-options'

/** Which samples, and how they are edited. */
export interface SamplingOptions extends NoiseOptions {
  readonly edits?: Edits
}

/** Some of the samples. */
type SamplePart = Pick<SamplingOptions, 'first' | 'samples'>

/** A checked distribution's sizes, and its images one after another. */
export interface PreparedSampling {
  readonly batch: number
  readonly classes: number
  readonly voxels: number
  readonly scales: Scales
  readonly images: (part?: SamplePart) => Iterable<{
    readonly index: number
    readonly image: ImageDistribution
    readonly noise: ImageNoise
  }>
}

/** Checks everything that sampling functions share, and gives each image of the batch with its noise. */
export function prepareSampling(given: LogitDistribution, options: SamplingOptions): PreparedSampling {
  const distribution = checkedDistribution(given)
  const { batch, classes, spatial } = distribution
  const scales = scalesOf(options.edits, distribution)
  const everything = noiseOfImages(distribution, options)
  function* images(part?: SamplePart): ReturnType<PreparedSampling['images']> {
    const noiseOf = part ? noiseOfImages(distribution, { ...options, ...part }) : everything
    for (let index = 0; index < batch; index++) {
      yield { index, image: imageDistribution(distribution, index), noise: noiseOf(index) }
    }
  }
  return { batch, classes, voxels: voxelCount(spatial), scales, images }
}
