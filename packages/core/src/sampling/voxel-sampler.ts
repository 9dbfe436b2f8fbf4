// The arithmetic of a sample, one voxel at a time. Float32, in an order that is a promise (docs/architecture.md): every
// backend computes the same bits.
import type { Scales } from '../distribution/edits'
import { float32Image, type SampledImage } from '../distribution/float16'
import type { ImageNoise } from '../noise/image-noise'

/** The logits of M samples at one voxel after another; needs memory for C·M numbers only. */
export interface VoxelSampler {
  readonly classes: number
  readonly samples: number
  readonly voxels: number
  /** `[C, M]`: logits at the voxel last visited. */
  readonly logits: Float32Array
  /** `[C, M]`: ε at the voxel last visited. */
  readonly epsilon: Float32Array
  visit(voxel: number): void
}

/** Samples of one image: logit = mean + scale_c·(Σ_r P_r·(z_r·w_r) + √D·ε), see {@link Scales}. */
export function voxelSampler(image: SampledImage, noise: ImageNoise, scales: Scales): VoxelSampler {
  const { classes, rank, voxels, mean, factor, diagonal } = 'deviation' in image ? float32Image(image) : image
  const { samples } = noise
  const z = noise.z.map((value, index) => value * scales.componentScale[Math.floor(index / samples)]!)
  const logits = new Float32Array(classes * samples)
  const epsilon = new Float32Array(classes * samples)
  const sums = new Float32Array(samples)

  // A store to a Float32Array rounds, and rounding once after an exact product or sum of two float32 numbers is
  // float32 arithmetic; where two operations meet, the first is rounded by Math.fround.
  function visit(voxel: number): void {
    for (let klass = 0; klass < classes; klass++) {
      const row = klass * samples
      noise.epsilonInto(epsilon, row, klass, voxel)
      sums.fill(0)
      for (let component = 0; component < rank; component++) {
        const loading = factor[(klass * rank + component) * voxels + voxel]!
        const column = component * samples
        for (let sample = 0; sample < samples; sample++) {
          sums[sample] = sums[sample]! + Math.fround(loading * z[column + sample]!)
        }
      }
      const center = mean[klass * voxels + voxel]!
      const deviation = Math.fround(Math.sqrt(diagonal[klass * voxels + voxel]!))
      const scale = scales.classScale[klass]!
      for (let sample = 0; sample < samples; sample++) {
        const sum = Math.fround(sums[sample]! + Math.fround(deviation * epsilon[row + sample]!))
        logits[row + sample] = center + Math.fround(scale * sum)
      }
    }
  }

  return { classes, samples, voxels, logits, epsilon, visit }
}
