// What samples say about each voxel by itself, for a run of voxels, without ever holding M×C×S logits.
import type { VoxelRange } from '../distribution/voxel-range'
import { labelOfLogits } from './label-of-logits'
import type { VoxelSampler } from './voxel-sampler'

/** Where an image's results go; what is absent is not wanted. L = max(C, 2) labels: one class has background first. */
export interface Marginals {
  /** `[L, S]`: softmax (one class: sigmoid), averaged over samples. */
  readonly probabilities?: Float32Array | undefined
  /** `[S]`: of the probabilities, logarithm to base L. */
  readonly entropy?: Float32Array | undefined
  /** `[M][volumeStride]`: voxels of each label in each sample, added to what stands there. */
  readonly volumes?: Uint32Array | undefined
  readonly volumeStride?: number
}

/** Writes the marginals of a run of voxels. */
export function marginalKernel(output: Marginals, sampler: VoxelSampler, { start, end }: VoxelRange): void {
  const { classes, samples, voxels, logits } = sampler
  const labels = Math.max(classes, 2)
  const { volumes, volumeStride = labels } = output
  const sums = new Float64Array(labels)
  for (let voxel = start; voxel < end; voxel++) {
    sampler.visit(voxel)
    sums.fill(0)
    for (let sample = 0; sample < samples; sample++) {
      addSoftmax(sums, logits, sample, samples, classes)
      if (volumes) volumes[sample * volumeStride + labelOfLogits(logits, sample, samples, classes)]!++
    }
    let entropy = 0
    for (let label = 0; label < labels; label++) {
      const probability = sums[label]! / samples
      if (output.probabilities) output.probabilities[label * voxels + voxel] = probability
      if (probability > 0) entropy -= probability * Math.log(probability)
    }
    if (output.entropy) output.entropy[voxel] = Math.min(entropy / Math.log(labels), 1)
  }
}

/** Adds the softmax of the C logits at `offset`, `offset + stride`, … to `sums`; one class counts as two. */
function addSoftmax(
  sums: Float64Array,
  logits: Float32Array,
  offset: number,
  stride: number,
  classes: number,
): void {
  if (classes === 1) {
    sums[0]! += 1 / (1 + Math.exp(logits[offset]!))
    sums[1]! += 1 / (1 + Math.exp(-logits[offset]!))
    return
  }
  let largest = logits[offset]!
  for (let klass = 1; klass < classes; klass++) largest = Math.max(largest, logits[offset + klass * stride]!)
  let total = 0
  for (let klass = 0; klass < classes; klass++) total += Math.exp(logits[offset + klass * stride]! - largest)
  for (let klass = 0; klass < classes; klass++) {
    sums[klass]! += Math.exp(logits[offset + klass * stride]! - largest) / total
  }
}
