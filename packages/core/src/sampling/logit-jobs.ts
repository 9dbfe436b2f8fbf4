// Samples of one image's logits as jobs: runs of voxels.
import type { Scales } from '../distribution/edits'
import type { SampledImage } from '../distribution/float16'
import { voxelRanges } from '../distribution/voxel-range'
import { block, blockStride, tileBytes } from '../kernels/block'
import type { Job } from '../kernels/job'
import { kernelNoise } from '../kernels/kernel-noise'
import type { ImageNoise } from '../noise/image-noise'
import { type VoxelSampler, voxelSampler } from './voxel-sampler'

/** Jobs that write sample m's logits `[C, S]` to `output` from `offset + m · stride` on. */
export function* logitJobs(
  {
    output,
    offset,
    stride,
  }: { readonly output: Float32Array; readonly offset: number; readonly stride: number },
  image: SampledImage,
  noise: ImageNoise,
  scales: Scales,
): Generator<Job> {
  const { classes, rank, voxels } = image
  const drawn = kernelNoise(noise, scales)
  let sampler: VoxelSampler | undefined
  for (const range of voxelRanges(voxels, classes * (rank + 2 + noise.samples) * 4)) {
    const rows = blockStride(range)
    const outputBytes = noise.samples * classes * rows * 4
    const sizes = { outputBytes, scratchBytes: tileBytes(image) }
    yield {
      ...(drawn && { block: block('logits', { image, range, noise: drawn, scales }, sizes) }),
      collect(buffer, start) {
        for (let plane = 0; plane < noise.samples * classes; plane++) {
          const source = new Float32Array(buffer, start + plane * rows * 4, range.end - range.start)
          const [sample, klass] = [Math.floor(plane / classes), plane % classes]
          output.set(source, offset + sample * stride + klass * voxels + range.start)
        }
      },
      plain() {
        sampler ??= voxelSampler(image, noise, scales)
        const { samples, logits, visit } = sampler
        for (let voxel = range.start; voxel < range.end; voxel++) {
          visit(voxel)
          for (let index = 0; index < logits.length; index++) {
            const [klass, sample] = [Math.floor(index / samples), index % samples]
            output[offset + sample * stride + klass * voxels + voxel] = logits[index]!
          }
        }
      },
    }
  }
}
