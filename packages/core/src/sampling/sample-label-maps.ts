// Coherent label maps: what samples are for.
import { checkRoi } from '../distribution/label-targets'
import type { LogitDistribution } from '../distribution/logit-distribution'
import { labelMapKernel } from './label-map-kernel'
import { prepareSampling, type SamplingOptions } from './sampling-options'

/** {@link SamplingOptions} with a region of interest. */
export interface LabelMapOptions extends SamplingOptions {
  /** `[N, *S]`; where 0, samples are labelled 0. */
  readonly roi?: Uint8Array
}

/**
 * Samples of the label map, `[M, N, *S]`: the class of the largest logit, the lowest where several are largest; for
 * one class 1 where the logit is > 0.
 *
 * @throws ShapeError, ValueError as `sampleLogits`, and for a roi that is not `[N, *S]`.
 */
export function sampleLabelMaps(distribution: LogitDistribution, options: LabelMapOptions): Uint8Array {
  const { batch, voxels, samplers } = prepareSampling(distribution, options)
  const { roi } = options
  checkRoi(roi, batch, voxels)
  const output = new Uint8Array(options.samples * batch * voxels)
  for (const [image, sampler] of samplers()) {
    const region = roi?.subarray(image * voxels, (image + 1) * voxels)
    labelMapKernel(output, image * voxels, batch * voxels, sampler, region)
  }
  return output
}
