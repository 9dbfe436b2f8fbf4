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

/** Of the kernel's output: assembly/label-maps.ts. */
const HEADER_BYTES = 64

/** Bytes of the largest run: a job costs little beside the work on so many. */
const LARGEST_RUN = 2 ** 21

/**
 * Jobs that write sample m's label map `[S]` to `output` from `offset + m · stride` on.
 *
 * @param roi `[S]`; a voxel where it is 0 is labelled 0.
 * @param cull whether noise that cannot change a label is left out; labels are the same either way.
 * @param shared whether threads share the work: then there are jobs enough for all.
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
  shared = false,
}: {
  readonly image: SampledImage
  readonly noise: ImageNoise
  readonly scales: Scales
  readonly roi?: Uint8Array | undefined
  readonly output: Uint8Array
  readonly offset: number
  readonly stride: number
  readonly cull?: boolean | undefined
  readonly shared?: boolean | undefined
}): Generator<Job> {
  const { classes, rank, voxels } = image
  const labels = Math.max(classes, 2)
  let sampler: VoxelSampler | undefined
  const drawn = kernelNoise(noise, scales)
  const voxelBytes = classes * (rank + 2) * 4 + noise.samples
  const share = shared ? Math.max((voxels * voxelBytes) / 16, LARGEST_RUN / 16) : LARGEST_RUN
  for (const range of voxelRanges(voxels, voxelBytes, Math.min(share, LARGEST_RUN))) {
    const rows = blockStride(range)
    const input = drawn && { image, range, noise: drawn, scales, roi, cull }
    const sizes = {
      outputBytes: HEADER_BYTES + (1 + noise.samples) * rows,
      scratchBytes: tileBytes(image) + (labels - 1) * (1 + rank) * 16 + rank * 16 + 12 * rows,
    }
    yield {
      ...(input && { block: block('labelMaps', input, sizes) }),
      collect(buffer, start) {
        const [undecided, labelled] = new Uint32Array(buffer, start, 2)
        // Output is made of zeros: what is background in all samples is not written, and its memory not even touched.
        if (undecided === 0 && labelled === 0) return
        const length = range.end - range.start
        const step = undecided === 0 ? 0 : rows
        for (let sample = 0; sample < noise.samples; sample++) {
          const map = new Uint8Array(buffer, start + HEADER_BYTES + (sample + 1) * step, length)
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
