// First pass of the loss over a run of voxels: how likely each sample makes the labels.
import type { VoxelRange } from '../distribution/voxel-range'
import type { VoxelSampler } from '../sampling/voxel-sampler'
import { labelLogProbability } from './label-log-probability'

/** Log-likelihood of the labels `[S]` under each sample, `[M]`, in float64: the sum over voxels inside `roi`. */
export function logLikelihoodKernel(
  sampler: VoxelSampler,
  { start, end }: VoxelRange,
  labels: Uint8Array,
  roi: Uint8Array | undefined,
): Float64Array {
  const { classes, samples, logits } = sampler
  const logLikelihood = new Float64Array(samples)
  for (let voxel = start; voxel < end; voxel++) {
    if (roi !== undefined && roi[voxel] === 0) continue
    sampler.visit(voxel)
    const label = labels[voxel]!
    for (let sample = 0; sample < samples; sample++) {
      logLikelihood[sample]! += labelLogProbability(logits, sample, samples, classes, label)
    }
  }
  return logLikelihood
}
