// Label probabilities of one image, averaged over its samples, without ever holding M×C×S logits.
import type { VoxelSampler } from './voxel-sampler'

/** Writes the mean over samples of softmax (one class: of the sigmoid, background first) to `output`, `[max(C, 2), S]`. */
export function marginalKernel(output: Float32Array, sampler: VoxelSampler): void {
  const { classes, samples, voxels, logits } = sampler
  const sums = new Float64Array(Math.max(classes, 2))
  const exponentials = new Float64Array(classes)
  for (let voxel = 0; voxel < voxels; voxel++) {
    sampler.visit(voxel)
    sums.fill(0)
    for (let sample = 0; sample < samples; sample++) {
      if (classes === 1) {
        sums[0]! += 1 / (1 + Math.exp(logits[sample]!))
        sums[1]! += 1 / (1 + Math.exp(-logits[sample]!))
        continue
      }
      let largest = logits[sample]!
      for (let klass = 1; klass < classes; klass++) {
        largest = Math.max(largest, logits[klass * samples + sample]!)
      }
      let total = 0
      for (let klass = 0; klass < classes; klass++) {
        exponentials[klass] = Math.exp(logits[klass * samples + sample]! - largest)
        total += exponentials[klass]!
      }
      for (let klass = 0; klass < classes; klass++) sums[klass]! += exponentials[klass]! / total
    }
    for (let label = 0; label < sums.length; label++) output[label * voxels + voxel] = sums[label]! / samples
  }
}
