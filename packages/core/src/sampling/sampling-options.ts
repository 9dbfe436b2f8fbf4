// What the sampling functions share: their options, and what each image is sampled with.
import { allocated } from '../allocated'
import { type Edits, type Scales, scalesOf } from '../distribution/edits'
import {
  checkedFloat16,
  type Float16Distribution,
  float16Image,
  type SampledImage,
} from '../distribution/float16'
import {
  checkedDistribution,
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
    readonly image: SampledImage
    readonly noise: ImageNoise
  }>
}

/** Checks everything that sampling functions share, and gives each image of the batch with its noise. */
export function prepareSampling(
  distribution: LogitDistribution | Float16Distribution,
  options: SamplingOptions,
): PreparedSampling {
  const imageAt = imagesOf(distribution)
  const { batch, classes, spatial } = distribution
  const scales = scalesOf(options.edits, distribution)
  const everything = noiseOfImages(distribution, options)
  function* images(part?: SamplePart): ReturnType<PreparedSampling['images']> {
    const noiseOf = part ? noiseOfImages(distribution, { ...options, ...part }) : everything
    for (let index = 0; index < batch; index++) {
      yield { index, image: imageAt(index), noise: noiseOf(index) }
    }
  }
  return { batch, classes, voxels: voxelCount(spatial), scales, images }
}

/** Room for what grows with the samples. Throws `OutOfMemoryError` where there is not enough. */
export function roomForSamples<Values>(Values: new (length: number) => Values, length: number): Values {
  const remedy = 'Draw fewer samples at a time (first), or label maps one by one (sampleLabelMapsIterator)'
  return allocated(Values, length, { subject: 'samples', remedy })
}

function imagesOf(given: LogitDistribution | Float16Distribution): (index: number) => SampledImage {
  if ('deviation' in given) {
    const compact = checkedFloat16(given)
    return (index) => float16Image(compact, index)
  }
  const distribution = checkedDistribution(given)
  return (index) => imageDistribution(distribution, index)
}
