// Probabilities of the labels at each voxel by itself, and how uncertain they are.
import { type LogitDistribution, voxelCount } from '../distribution/logit-distribution'
import { marginalKernel } from './marginal-kernel'
import { prepareSampling, type SamplingOptions } from './sampling-options'

/**
 * Label probabilities averaged over samples, `[N, max(C, 2), *S]`; one class gives background, then foreground.
 *
 * @throws ShapeError, ValueError as `sampleLogits`.
 */
export function marginalProbabilities(
  distribution: LogitDistribution,
  options: SamplingOptions,
): Float32Array {
  const { batch, classes, voxels, samplers } = prepareSampling(distribution, options)
  const size = Math.max(classes, 2) * voxels
  const output = new Float32Array(batch * size)
  for (const [image, sampler] of samplers()) {
    marginalKernel(output.subarray(image * size, (image + 1) * size), sampler)
  }
  return output
}

/**
 * Entropy of {@link marginalProbabilities} at each voxel, `[N, *S]`, from 0 (certain) to 1: logarithm to base
 * max(C, 2) (eq. 9).
 *
 * @throws ShapeError, ValueError as `sampleLogits`.
 */
export function marginalEntropy(distribution: LogitDistribution, options: SamplingOptions): Float32Array {
  const labels = Math.max(distribution.classes, 2)
  const voxels = voxelCount(distribution.spatial)
  const probabilities = marginalProbabilities(distribution, options)
  const output = new Float32Array(distribution.batch * voxels)
  for (let index = 0; index < output.length; index++) {
    const voxel = index % voxels
    const start = (index - voxel) * labels + voxel
    let entropy = 0
    for (let label = 0; label < labels; label++) {
      const probability = probabilities[start + label * voxels]!
      if (probability > 0) entropy -= probability * Math.log(probability)
    }
    output[index] = Math.min(entropy / Math.log(labels), 1)
  }
  return output
}
