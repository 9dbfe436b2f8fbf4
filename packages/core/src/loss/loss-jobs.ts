// The two passes of the loss over one image as jobs: runs of voxels.
import { scalesOf } from '../distribution/edits'
import type { ImageDistribution } from '../distribution/logit-distribution'
import { type VoxelRange, voxelRanges } from '../distribution/voxel-range'
import { type BlockInput, block, blockStride, tileBytes } from '../kernels/block'
import type { Job } from '../kernels/job'
import { type KernelNoise, kernelNoise } from '../kernels/kernel-noise'
import type { ImageNoise } from '../noise/image-noise'
import { type VoxelSampler, voxelSampler } from '../sampling/voxel-sampler'
import { gradientKernel, type ImageGradients } from './gradient-kernel'
import { logLikelihoodKernel } from './log-likelihood-kernel'

/** The passes of the loss over one image. */
export interface LossPasses {
  readonly logLikelihoodJobs: Iterable<Job>
  /** `[M]`, once all of those jobs have run: the same sum in whatever order they did. */
  logLikelihood(): Float64Array
  /** Jobs that write the gradient of −Σ_m weight_m log p(labels | sample m) inside `roi`. */
  gradientJobs(gradients: ImageGradients, weights: Float64Array): Iterable<Job>
}

/** Bytes that the first pass may keep for the second: of a small image everything, of others nothing. */
const MOST_KEPT = 2 ** 18

/** Bytes that the first pass has to keep, if the second is not to draw again. */
export function keptBytesOf(
  { classes, voxels }: Pick<ImageDistribution, 'classes' | 'voxels'>,
  { quads, antithetic }: KernelNoise,
): number {
  return Math.ceil(voxels / 4) * quads * classes * 64 * (antithetic ? 3 : 2)
}

/** Prepares both passes over the labels `[S]` inside `roi` `[S]`. */
export function lossPasses(
  image: ImageDistribution,
  noise: ImageNoise,
  labels: Uint8Array,
  roi: Uint8Array | undefined,
): LossPasses {
  const { classes, rank, voxels } = image
  const { samples } = noise
  const scales = scalesOf(undefined, image)
  const drawn = kernelNoise(noise, scales)
  const ranges = voxelRanges(voxels, classes * (rank + 2) * 8)
  const partial = ranges.map((): Float64Array => new Float64Array(0))
  const kept: (Uint8Array | undefined)[] = []
  const everything = drawn ? keptBytesOf(image, drawn) : 0
  const keptBytes = ranges.length === 1 && everything <= MOST_KEPT ? everything : 0
  const vectors = (count: number): number => tileBytes(image) + (Math.max(classes, 2) + count) * 16
  let cached: VoxelSampler | undefined
  const sampler = (): VoxelSampler => {
    cached ??= voxelSampler(image, noise, scales)
    return cached
  }
  const input = (range: VoxelRange): BlockInput | undefined =>
    drawn && { image, range, noise: drawn, scales, roi, labels }

  function* logLikelihoodJobs(): Generator<Job> {
    for (const [index, range] of ranges.entries()) {
      const read = input(range)
      const likelihoodBytes = Math.ceil(samples / 8) * 64
      const sizes = {
        outputBytes: likelihoodBytes + keptBytes,
        scratchBytes: vectors(2 * samples),
        keptBytes,
      }
      yield {
        ...(read && { block: block('logLikelihoods', read, sizes) }),
        collect(buffer, start) {
          partial[index] = new Float64Array(buffer, start, samples).slice()
          if (keptBytes) kept[index] = new Uint8Array(buffer, start + likelihoodBytes, keptBytes).slice()
        },
        plain() {
          partial[index] = logLikelihoodKernel(sampler(), range, labels, roi)
        },
      }
    }
  }

  function logLikelihood(): Float64Array {
    const sums = new Float64Array(samples)
    for (const part of partial)
      part.forEach((value, sample) => {
        sums[sample]! += value
      })
    return sums
  }

  function* gradientJobs(gradients: ImageGradients, weights: Float64Array): Generator<Job> {
    const rounded = Float32Array.from(weights)
    for (const [index, range] of ranges.entries()) {
      const read = input(range)
      const stride = blockStride(range)
      const length = range.end - range.start
      const sizes = {
        outputBytes: classes * (2 + rank) * stride * 4,
        scratchBytes: vectors(classes * (7 + rank)),
      }
      yield {
        ...(read && {
          block: block('lossGradients', { ...read, weights: rounded, kept: kept[index] }, sizes),
        }),
        collect(buffer, start) {
          let plane = 0
          for (const [target, planes] of [
            [gradients.mean, classes],
            [gradients.diagonal, classes],
            [gradients.factor, classes * rank],
          ] as const) {
            for (let index = 0; index < planes; index++, plane++) {
              const source = new Float32Array(buffer, start + plane * stride * 4, length)
              target.set(source, index * voxels + range.start)
            }
          }
        },
        plain() {
          gradientKernel(gradients, image, sampler(), range, noise.z, weights, labels, roi)
        },
      }
    }
  }

  return { logLikelihoodJobs: logLikelihoodJobs(), logLikelihood, gradientJobs }
}
