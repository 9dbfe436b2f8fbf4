// Samples of the logits themselves: the one function that materialises M×C×S numbers, because that is its result.
import type { Float16Distribution } from '../distribution/float16'
import type { LogitDistribution } from '../distribution/logit-distribution'
import { prepareSampling, type SamplingOptions } from './sampling-options'
import { voxelSampler } from './voxel-sampler'

/**
 * Samples of the logits, `[M, N, C, *S]`.
 *
 * @throws ShapeError, ValueError for a distribution, noise or edits that do not fit, or a number out of range.
 */
export function sampleLogits(
  distribution: LogitDistribution | Float16Distribution,
  options: SamplingOptions,
): Float32Array {
  const { batch, classes, voxels, scales, images } = prepareSampling(distribution, options)
  const output = new Float32Array(options.samples * batch * classes * voxels)
  for (const { index, image, noise } of images()) {
    const { samples, logits, visit } = voxelSampler(image, noise, scales)
    for (let voxel = 0; voxel < voxels; voxel++) {
      visit(voxel)
      for (let klass = 0; klass < classes; klass++) {
        for (let sample = 0; sample < samples; sample++) {
          output[((sample * batch + index) * classes + klass) * voxels + voxel] =
            logits[klass * samples + sample]!
        }
      }
    }
  }
  return output
}
