// What samples say about each voxel by itself, and about the size of each label, in one pass.
import type { Float16Distribution } from '../distribution/float16'
import type { LogitDistribution } from '../distribution/logit-distribution'
import { type Job, runJobs } from '../kernels/job'
import { type AsyncOptions, runJobsAsync } from '../kernels/run-jobs-async'
import { marginalJobs } from './marginal-jobs'
import { prepareSampling, roomForSamples, type SamplingOptions } from './sampling-options'

/** Statistics of M samples; L = max(C, 2) labels, one class has background first. */
export interface SampleStatistics {
  /** `[N, L, *S]`: label probabilities, averaged over samples. */
  readonly probabilities: Float32Array
  /** `[N, *S]`: their entropy from 0 (certain) to 1, logarithm to base L (eq. 9). */
  readonly entropy: Float32Array
  /** `[M, N, L]`: voxels of each label in each sample's label map. */
  readonly volumes: Uint32Array
  /** `[N, L]`: expected voxels of each label, the sum of its probabilities. */
  readonly expectedVolumes: Float64Array
}

/**
 * Marginal probabilities, their entropy and class volumes in one pass over the samples.
 *
 * @throws ShapeError, ValueError as `sampleLogits`.
 */
export function sampleStatistics(
  distribution: LogitDistribution | Float16Distribution,
  options: SamplingOptions,
): SampleStatistics {
  return compute(distribution, options, EVERYTHING)
}

/** {@link sampleStatistics} on all cores; rejects with the signal's reason when it is aborted. */
export function sampleStatisticsAsync(
  distribution: LogitDistribution | Float16Distribution,
  options: SamplingOptions & AsyncOptions,
): Promise<SampleStatistics> {
  return computeAsync(distribution, options, EVERYTHING)
}

/**
 * Label probabilities averaged over samples, `[N, max(C, 2), *S]`; one class gives background, then foreground.
 *
 * @throws ShapeError, ValueError as `sampleLogits`.
 */
export function marginalProbabilities(
  distribution: LogitDistribution | Float16Distribution,
  options: SamplingOptions,
): Float32Array {
  return compute(distribution, options, { probabilities: true }).probabilities
}

/** {@link marginalProbabilities} on all cores; rejects with the signal's reason when it is aborted. */
export async function marginalProbabilitiesAsync(
  distribution: LogitDistribution | Float16Distribution,
  options: SamplingOptions & AsyncOptions,
): Promise<Float32Array> {
  return (await computeAsync(distribution, options, { probabilities: true })).probabilities
}

/**
 * Entropy of {@link marginalProbabilities} at each voxel, `[N, *S]`, from 0 (certain) to 1: logarithm to base
 * max(C, 2) (eq. 9).
 *
 * @throws ShapeError, ValueError as `sampleLogits`.
 */
export function marginalEntropy(
  distribution: LogitDistribution | Float16Distribution,
  options: SamplingOptions,
): Float32Array {
  return compute(distribution, options, { entropy: true }).entropy
}

/** {@link marginalEntropy} on all cores; rejects with the signal's reason when it is aborted. */
export async function marginalEntropyAsync(
  distribution: LogitDistribution | Float16Distribution,
  options: SamplingOptions & AsyncOptions,
): Promise<Float32Array> {
  return (await computeAsync(distribution, options, { entropy: true })).entropy
}

/** Which of the statistics are computed; the others stay empty. */
interface Wanted {
  readonly probabilities?: boolean
  readonly entropy?: boolean
  readonly volumes?: boolean
}

const EVERYTHING: Wanted = { probabilities: true, entropy: true, volumes: true }

function compute(
  distribution: LogitDistribution | Float16Distribution,
  options: SamplingOptions,
  wanted: Wanted,
): SampleStatistics {
  const { jobs, result } = statistics(distribution, options, wanted)
  runJobs(jobs)
  return result()
}

async function computeAsync(
  distribution: LogitDistribution | Float16Distribution,
  options: SamplingOptions & AsyncOptions,
  wanted: Wanted,
): Promise<SampleStatistics> {
  const { jobs, result } = statistics(distribution, options, wanted)
  await runJobsAsync(jobs, options)
  return result()
}

/** The jobs of all of these, and what they fill. */
export function statistics(
  distribution: LogitDistribution | Float16Distribution,
  options: SamplingOptions,
  wanted: Wanted,
): { readonly jobs: Iterable<Job>; readonly result: () => SampleStatistics } {
  const { batch, classes, voxels, scales, images } = prepareSampling(distribution, options)
  const labels = Math.max(classes, 2)
  const size = (each: number, isWanted = false): number => (isWanted ? batch * each : 0)
  const probabilities = new Float32Array(size(labels * voxels, wanted.probabilities))
  const entropy = new Float32Array(size(voxels, wanted.entropy))
  const volumes = roomForSamples(Uint32Array, size(options.samples * labels, wanted.volumes))
  function* jobs(): Generator<Job> {
    for (const { index, image, noise } of images()) {
      const part = <T extends Float32Array>(array: T, each: number): Float32Array | undefined =>
        array.length > 0 ? array.subarray(index * each, (index + 1) * each) : undefined
      yield* marginalJobs(
        {
          probabilities: part(probabilities, labels * voxels),
          entropy: part(entropy, voxels),
          volumes: wanted.volumes ? volumes.subarray(index * labels) : undefined,
          volumeStride: batch * labels,
        },
        image,
        noise,
        scales,
      )
    }
  }
  function result(): SampleStatistics {
    const expectedVolumes = new Float64Array(wanted.volumes ? batch * labels : 0)
    for (let plane = 0; plane < expectedVolumes.length; plane++) {
      for (let voxel = 0; voxel < voxels; voxel++) {
        expectedVolumes[plane]! += probabilities[plane * voxels + voxel]!
      }
    }
    return { probabilities, entropy, volumes, expectedVolumes }
  }
  return { jobs: jobs(), result }
}
