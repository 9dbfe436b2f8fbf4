// Marginals of one image as jobs: runs of voxels.
import type { Scales } from '../distribution/edits'
import type { SampledImage } from '../distribution/float16'
import { voxelRanges } from '../distribution/voxel-range'
import { block, blockStride, tileBytes } from '../kernels/block'
import type { Job } from '../kernels/job'
import { kernelNoise } from '../kernels/kernel-noise'
import type { ImageNoise } from '../noise/image-noise'
import { type Marginals, marginalKernel } from './marginal-kernel'
import { type VoxelSampler, voxelSampler } from './voxel-sampler'

/** Jobs that write an image's marginals. */
export function* marginalJobs(
  output: Marginals,
  image: SampledImage,
  noise: ImageNoise,
  scales: Scales,
): Generator<Job> {
  const { classes, rank, voxels } = image
  const { samples } = noise
  const labels = Math.max(classes, 2)
  const drawn = kernelNoise(noise, scales)
  let sampler: VoxelSampler | undefined
  for (const range of voxelRanges(voxels, (classes * (rank + 2) + labels + 1) * 4)) {
    const stride = blockStride(range)
    const length = range.end - range.start
    const sizes = {
      outputBytes: ((labels + 1) * stride + samples * labels) * 4,
      scratchBytes: tileBytes(image) + 3 * labels * 16,
    }
    yield {
      ...(drawn && { block: block('marginals', { image, range, noise: drawn, scales }, sizes) }),
      collect(buffer, start) {
        const plane = (index: number): Float32Array =>
          new Float32Array(buffer, start + index * stride * 4, length)
        for (let label = 0; output.probabilities && label < labels; label++) {
          output.probabilities.set(plane(label), label * voxels + range.start)
        }
        output.entropy?.set(
          plane(labels).map((nats) => Math.min(nats / Math.log(labels), 1)),
          range.start,
        )
        if (!output.volumes) return
        const volumes = new Uint32Array(buffer, start + (labels + 1) * stride * 4, samples * labels)
        const { volumeStride = labels } = output
        volumes.forEach((count, index) => {
          const sample = Math.floor(index / labels)
          output.volumes![sample * volumeStride + (index % labels)]! += count
        })
      },
      plain() {
        sampler ??= voxelSampler(image, noise, scales)
        marginalKernel(output, sampler, range)
      },
    }
  }
}
