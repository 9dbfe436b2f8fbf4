// Label maps of a run of voxels, without ever holding M×C×S logits.
import type { VoxelRange } from '../distribution/voxel-range'
import { labelOfLogits } from './label-of-logits'
import type { VoxelSampler } from './voxel-sampler'

/**
 * Writes sample m's label map `[S]` to `output` from `offset + m · stride` on.
 *
 * @param roi `[S]`; a voxel where it is 0 is labelled 0.
 */
export function labelMapKernel(
  output: Uint8Array,
  offset: number,
  stride: number,
  sampler: VoxelSampler,
  { start, end }: VoxelRange,
  roi?: Uint8Array,
): void {
  const { classes, samples, logits } = sampler
  for (let voxel = start; voxel < end; voxel++) {
    if (roi !== undefined && roi[voxel] === 0) continue
    sampler.visit(voxel)
    for (let sample = 0; sample < samples; sample++) {
      output[offset + sample * stride + voxel] = labelOfLogits(logits, sample, samples, classes)
    }
  }
}
