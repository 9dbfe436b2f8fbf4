// Samples of the logits themselves: the one function that materialises M×C×S numbers, because that is its result.
import type { Float16Distribution } from '../distribution/float16'
import type { LogitDistribution } from '../distribution/logit-distribution'
import { type Job, runJobs } from '../kernels/job'
import { type AsyncOptions, runJobsAsync } from '../kernels/run-jobs-async'
import { logitJobs } from './logit-jobs'
import { prepareSampling, roomForSamples, type SamplingOptions } from './sampling-options'

/**
 * Samples of the logits, `[M, N, C, *S]`.
 *
 * @throws ShapeError, ValueError for a distribution, noise or edits that do not fit, or a number out of range;
 * OutOfMemoryError for more samples than memory holds.
 */
export function sampleLogits(
  distribution: LogitDistribution | Float16Distribution,
  options: SamplingOptions,
): Float32Array {
  const { jobs, output } = logits(distribution, options)
  runJobs(jobs)
  return output
}

/**
 * {@link sampleLogits} on all cores, without holding up the calling thread.
 *
 * @throws as {@link sampleLogits}; rejects with the signal's reason when it is aborted.
 */
export async function sampleLogitsAsync(
  distribution: LogitDistribution | Float16Distribution,
  options: SamplingOptions & AsyncOptions,
): Promise<Float32Array> {
  const { jobs, output } = logits(distribution, options)
  await runJobsAsync(jobs, options)
  return output
}

function logits(
  distribution: LogitDistribution | Float16Distribution,
  options: SamplingOptions,
): { readonly jobs: Iterable<Job>; readonly output: Float32Array } {
  const { batch, classes, voxels, scales, images } = prepareSampling(distribution, options)
  const stride = batch * classes * voxels
  const output = roomForSamples(Float32Array, options.samples * stride)
  function* jobs(): Generator<Job> {
    for (const { index, image, noise } of images()) {
      yield* logitJobs({ output, offset: index * classes * voxels, stride }, image, noise, scales)
    }
  }
  return { jobs: jobs(), output }
}
