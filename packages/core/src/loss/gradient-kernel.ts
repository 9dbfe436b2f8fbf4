// Second pass of the loss over a run of voxels: the same samples again, recomputed instead of kept.
import type { ImageDistribution } from '../distribution/logit-distribution'
import type { VoxelRange } from '../distribution/voxel-range'
import type { VoxelSampler } from '../sampling/voxel-sampler'
import { logSigmoid, logSumExpOfLogits } from './label-log-probability'

/** Of one image, in the shapes of its parameters. */
export type ImageGradients = Pick<ImageDistribution, 'mean' | 'factor' | 'diagonal'>

/**
 * Writes the gradient of −Σ_m weight_m · log p(labels | sample m), with the weights `[M]` held fixed, to `gradients`,
 * which have the shapes of the image's parameters. Voxels outside `roi` keep what stands there.
 *
 * @param z the samples' z, `[R, M]`.
 */
export function gradientKernel(
  gradients: ImageGradients,
  image: ImageDistribution,
  sampler: VoxelSampler,
  { start, end }: VoxelRange,
  z: Float32Array,
  weights: Float64Array,
  labels: Uint8Array,
  roi: Uint8Array | undefined,
): void {
  const { classes, rank, voxels, diagonal } = image
  const { samples, epsilon } = sampler
  const residuals = new Float64Array(classes * samples)
  for (let voxel = start; voxel < end; voxel++) {
    if (roi !== undefined && roi[voxel] === 0) continue
    sampler.visit(voxel)
    residualsInto(residuals, sampler, weights, labels[voxel]!)
    for (let klass = 0; klass < classes; klass++) {
      const row = klass * samples
      const position = klass * voxels + voxel
      let sum = 0
      let withEpsilon = 0
      for (let sample = 0; sample < samples; sample++) {
        sum += residuals[row + sample]!
        withEpsilon += residuals[row + sample]! * epsilon[row + sample]!
      }
      gradients.mean[position] = sum
      // d√D / dD = 1 / (2√D)
      gradients.diagonal[position] = withEpsilon / (2 * Math.sqrt(diagonal[position]!))
      for (let component = 0; component < rank; component++) {
        const column = component * samples
        let withZ = 0
        for (let sample = 0; sample < samples; sample++) {
          withZ += residuals[row + sample]! * z[column + sample]!
        }
        gradients.factor[(klass * rank + component) * voxels + voxel] = withZ
      }
    }
  }
}

/** weight_m · (p_c − [c is the label]) `[C, M]`: the gradient with respect to the logits. */
function residualsInto(
  residuals: Float64Array,
  { classes, samples, logits }: VoxelSampler,
  weights: Float64Array,
  label: number,
): void {
  for (let sample = 0; sample < samples; sample++) {
    const weight = weights[sample]!
    if (classes === 1) {
      residuals[sample] = weight * (Math.exp(logSigmoid(logits[sample]!)) - label)
      continue
    }
    const logSum = logSumExpOfLogits(logits, sample, samples, classes)
    for (let klass = 0; klass < classes; klass++) {
      const probability = Math.exp(logits[klass * samples + sample]! - logSum)
      residuals[klass * samples + sample] = weight * (probability - (klass === label ? 1 : 0))
    }
  }
}
