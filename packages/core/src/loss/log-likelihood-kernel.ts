// First pass of the loss over one image: how likely each sample makes the labels.
import type { VoxelSampler } from '../sampling/voxel-sampler'
import { labelLogProbability } from './label-log-probability'

/** Log-likelihood of the labels `[S]` under each sample, `[M]`, in float64: the sum over voxels inside `roi`. */
export function logLikelihoodKernel(
  sampler: VoxelSampler,
  labels: Uint8Array,
  roi: Uint8Array | undefined,
): Float64Array {
  const { classes, samples, voxels, logits } = sampler
  const logLikelihood = new Float64Array(samples)
  for (let voxel = 0; voxel < voxels; voxel++) {
    if (roi !== undefined && roi[voxel] === 0) continue
    sampler.visit(voxel)
    const label = labels[voxel]!
    for (let sample = 0; sample < samples; sample++) {
      logLikelihood[sample]! += labelLogProbability(logits, sample, samples, classes, label)
    }
  }
  return logLikelihood
}
