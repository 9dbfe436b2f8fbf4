// Coherent label maps: what samples are for.
import { checkRoi } from '../distribution/label-targets'
import type { LogitDistribution } from '../distribution/logit-distribution'
import { type Job, runJobs } from '../kernels/job'
import { type AsyncOptions, progress, runJobsAsync } from '../kernels/run-jobs-async'
import { labelMapJobs } from './label-map-jobs'
import { prepareSampling, type SamplingOptions } from './sampling-options'

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
 * @throws ShapeError, ValueError as `sampleLogits`, and for a roi that is not `[N, *S]`.
 */
export function sampleLabelMaps(distribution: LogitDistribution, options: LabelMapOptions): Uint8Array {
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
  distribution: LogitDistribution,
  options: LabelMapOptions & AsyncOptions,
): Promise<Uint8Array> {
  const { jobs, output } = labelMaps(distribution, options)
  const pieces = [...jobs]
  await runJobsAsync(pieces, options.signal, progress(pieces.length, options))
  return output
}

/** Samples drawn together: more would make a voxel's part of the output too large for a core's cache. */
const TOGETHER = 256

/** The jobs of {@link sampleLabelMaps}, and what they fill. `cull: false` draws all noise, for comparison. */
export function labelMaps(
  distribution: LogitDistribution,
  options: LabelMapOptions & { readonly cull?: boolean },
): { readonly jobs: Iterable<Job>; readonly output: Uint8Array } {
  const { batch, voxels, scales, images } = prepareSampling(distribution, options)
  const { samples, first = 0, roi, noise: explicit, cull } = options
  checkRoi(roi, batch, voxels)
  const output = new Uint8Array(samples * batch * voxels)
  const together = explicit ? samples : TOGETHER
  function* jobs(): Generator<Job> {
    for (let from = 0; from < samples; from += together) {
      const part = { first: first + from, samples: Math.min(together, samples - from) }
      for (const { index, image, noise } of images(part)) {
        yield* labelMapJobs({
          image,
          noise,
          scales,
          roi: roi?.subarray(index * voxels, (index + 1) * voxels),
          output,
          offset: (from * batch + index) * voxels,
          stride: batch * voxels,
          cull,
        })
      }
    }
  }
  return { jobs: jobs(), output }
}
