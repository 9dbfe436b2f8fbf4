// Label maps of one image as jobs: runs of voxels.
import type { Scales } from '../distribution/edits'
import type { SampledImage } from '../distribution/float16'
import { voxelRanges } from '../distribution/voxel-range'
import { block, blockStride, tileBytes } from '../kernels/block'
import type { Job } from '../kernels/job'
import { kernelNoise } from '../kernels/kernel-noise'
import type { ImageNoise } from '../noise/image-noise'
import { labelMapKernel } from './label-map-kernel'
import { type VoxelSampler, voxelSampler } from './voxel-sampler'

/**
 * Jobs that write sample m's label map `[S]` to `output` from `offset + m · stride` on.
 *
 * @param roi `[S]`; a voxel where it is 0 is labelled 0.
 * @param cull whether noise that cannot change a label is left out; labels are the same either way.
 */
export function* labelMapJobs({
  image,
  noise,
  scales,
  roi,
  output,
  offset,
  stride,
  cull = true,
}: {
  readonly image: SampledImage
  readonly noise: ImageNoise
  readonly scales: Scales
  readonly roi?: Uint8Array | undefined
  readonly output: Uint8Array
  readonly offset: number
  readonly stride: number
  readonly cull?: boolean | undefined
}): Generator<Job> {
  const { classes, rank, voxels } = image
  const labels = Math.max(classes, 2)
  let sampler: VoxelSampler | undefined
  const drawn = kernelNoise(noise, scales)
  for (const range of voxelRanges(voxels, classes * (rank + 2) * 4 + noise.samples)) {
    const rows = blockStride(range)
    const input = drawn && { image, range, noise: drawn, scales, roi, cull }
    const sizes = {
      outputBytes: noise.samples * rows,
      scratchBytes: tileBytes(image) + (labels - 1) * (1 + rank) * 16 + rank * 16 + 13 * rows,
    }
    yield {
      ...(input && { block: block('labelMaps', input, sizes) }),
      collect(buffer, start) {
        const length = range.end - range.start
        for (let sample = 0; sample < noise.samples; sample++) {
          const map = new Uint8Array(buffer, start + sample * rows, length)
          output.set(map, offset + sample * stride + range.start)
        }
      },
      plain() {
        sampler ??= voxelSampler(image, noise, scales)
        labelMapKernel(output, offset, stride, sampler, range, roi)
      },
    }
  }
}
