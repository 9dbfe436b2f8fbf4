// Coherent label maps: what samples are for.

import type { Float16Distribution } from '../distribution/float16'
import { checkRoi } from '../distribution/label-targets'
import type { LogitDistribution } from '../distribution/logit-distribution'
import { type Job, runJobs } from '../kernels/job'
import { type AsyncOptions, runJobsAsync } from '../kernels/run-jobs-async'
import { labelMapJobs } from './label-map-jobs'
import { prepareSampling, roomForSamples, type SamplingOptions } from './sampling-options'

/** {@link SamplingOptions} with a region of interest. */
export interface LabelMapOptions extends SamplingOptions {
  /** `[N, *S]`; where 0, samples are labelled 0. */
  readonly roi?: Uint8Array
}

/**
 * Samples of the label map, `[M, N, *S]`: the class of the largest logit, the lowest where several are largest; for
 * one class 1 where the logit is > 0.
 *
 * Voxels whose label no noise can change are decided without drawing any; the samples are the same, bit for bit.
 *
 * @throws ShapeError, ValueError, OutOfMemoryError as `sampleLogits`; ShapeError for a roi that is not `[N, *S]`.
 */
export function sampleLabelMaps(
  distribution: LogitDistribution | Float16Distribution,
  options: LabelMapOptions,
): Uint8Array {
  const { jobs, output } = labelMaps(distribution, options)
  runJobs(jobs)
  return output
}

/**
 * {@link sampleLabelMaps} on all cores, without holding up the calling thread.
 *
 * @throws as {@link sampleLabelMaps}; rejects with the signal's reason when it is aborted.
 */
export async function sampleLabelMapsAsync(
  distribution: LogitDistribution | Float16Distribution,
  options: LabelMapOptions & AsyncOptions,
): Promise<Uint8Array> {
  const { jobs, output } = labelMaps(distribution, { ...options, shared: true })
  await runJobsAsync(jobs, options)
  return output
}

/** Samples of the iterator that are drawn together: the distribution is read once for them. */
const GROUP = 16

/**
 * The samples of {@link sampleLabelMaps} one after another, `[N, *S]` each: for volumes of which not all label maps fit
 * into memory. Sixteen are held at a time.
 *
 * @throws as {@link sampleLabelMaps}; rejects with the signal's reason when it is aborted.
 */
export async function* sampleLabelMapsIterator(
  distribution: LogitDistribution | Float16Distribution,
  options: LabelMapOptions & AsyncOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { samples, noise, signal, onProgress } = options
  const draw = labelMapDrawer(distribution, { ...options, shared: true })
  const group = noise ? samples : GROUP
  for (let from = 0; from < samples; from += group) {
    const count = Math.min(group, samples - from)
    const { jobs, output } = draw(from, count)
    await runJobsAsync(jobs, { signal })
    for (let sample = 0; sample < count; sample++) {
      signal?.throwIfAborted()
      onProgress?.(from + sample + 1, samples)
      yield output.slice((sample * output.length) / count, ((sample + 1) * output.length) / count)
    }
  }
}

interface LabelMapWork {
  readonly jobs: Iterable<Job>
  /** What the jobs fill, `[samples, N, *S]`. */
  readonly output: Uint8Array
}

/** How the work is done: the samples are the same. */
interface LabelMapWays {
  /** False draws all noise, for comparison. */
  readonly cull?: boolean
  /** Whether other threads may take a part. */
  readonly shared?: boolean
}

/** All the samples. */
export function labelMaps(
  distribution: LogitDistribution | Float16Distribution,
  options: LabelMapOptions & LabelMapWays,
): LabelMapWork {
  return labelMapDrawer(distribution, options)(0, options.samples)
}

/** Samples drawn together: more would make a voxel's part of the output too large for a core's cache. */
const TOGETHER = 256

/** Checks everything, and gives the work of drawing `count` of the samples, from the `from`-th of them on. */
function labelMapDrawer(
  distribution: LogitDistribution | Float16Distribution,
  options: LabelMapOptions & LabelMapWays,
): (from: number, count: number) => LabelMapWork {
  const { batch, voxels, scales, images } = prepareSampling(distribution, options)
  const { first = 0, roi, noise: explicit, cull, shared } = options
  checkRoi(roi, batch, voxels)
  return (from, count) => {
    const output = roomForSamples(Uint8Array, count * batch * voxels)
    const together = explicit ? count : TOGETHER
    function* jobs(): Generator<Job> {
      for (let start = 0; start < count; start += together) {
        const part = { first: first + from + start, samples: Math.min(together, count - start) }
        for (const { index, image, noise } of images(part)) {
          yield* labelMapJobs({
            image,
            noise,
            scales,
            roi: roi?.subarray(index * voxels, (index + 1) * voxels),
            output,
            offset: (start * batch + index) * voxels,
            stride: batch * voxels,
            cull,
            shared,
          })
        }
      }
    }
    return { jobs: jobs(), output }
  }
}
