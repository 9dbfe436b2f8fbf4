// The training loss of the paper (eq. 7) with its gradients, in memory that does not grow with the number of samples.
import { checkLabels } from '../distribution/label-targets'
import {
  checkedDistribution,
  imageDistribution,
  type LogitDistribution,
  voxelCount,
} from '../distribution/logit-distribution'
import { ValueError } from '../errors'
import { type Job, runJobs } from '../kernels/job'
import { type AsyncOptions, progress, runJobsAsync } from '../kernels/run-jobs-async'
import { antitheticNoise } from '../noise/image-noise'
import { type NoiseOptions, noiseOfImages } from '../noise/noise-options'
import { lossPasses } from './loss-jobs'

export interface MonteCarloNllOptions extends Omit<NoiseOptions, 'first'> {
  /** Sample 2k uses noise k and sample 2k + 1 its negative; `samples` must be even, explicit noise holds half of them. */
  readonly antithetic?: boolean
  /** `[N, *S]`; voxels where it is 0 are not in the loss. */
  readonly roi?: Uint8Array
  /** Whether to compute gradients; false by default. */
  readonly gradients?: boolean
}

export interface MonteCarloNll {
  /** Mean of `perItem`, in nats per image; 0 for an empty batch. */
  readonly loss: number
  /** `[N]`: −log of the mean over samples of p(labels | sample), in nats, summed over voxels. */
  readonly perItem: Float64Array
  /** Of `loss`, with respect to mean, factor and diagonal (variances), in their shapes. */
  readonly gradients?: {
    readonly mean: Float32Array
    readonly factor: Float32Array
    readonly diagonal: Float32Array
  }
}

/**
 * The Monte-Carlo negative log-likelihood −logsumexpₘ(Σ_voxels log p(label | sample m)) + log M (eq. 7).
 *
 * @param labels `[N, *S]`, values below max(C, 2) inside the region of interest.
 * @throws ShapeError, ValueError for arguments that do not fit or numbers out of range.
 */
export function monteCarloNll(
  distribution: LogitDistribution,
  labels: Uint8Array,
  options: MonteCarloNllOptions,
): MonteCarloNll {
  const { firstPass, secondPass, result } = lossWork(distribution, labels, options)
  runJobs(firstPass)
  runJobs(secondPass)
  return result()
}

/**
 * {@link monteCarloNll} on all cores.
 *
 * @throws as {@link monteCarloNll}; rejects with the signal's reason when it is aborted.
 */
export async function monteCarloNllAsync(
  distribution: LogitDistribution,
  labels: Uint8Array,
  options: MonteCarloNllOptions & AsyncOptions,
): Promise<MonteCarloNll> {
  const { firstPass, secondPass, result } = lossWork(distribution, labels, options)
  const pieces = [...firstPass]
  const done = progress(options.gradients ? 2 * pieces.length : pieces.length, options)
  await runJobsAsync(pieces, options.signal, done)
  await runJobsAsync(secondPass, options.signal, done)
  return result()
}

/** The jobs of {@link monteCarloNll}: the second pass's may be asked for when the first's have run. */
function lossWork(
  given: LogitDistribution,
  labels: Uint8Array,
  options: MonteCarloNllOptions,
): {
  readonly firstPass: Iterable<Job>
  readonly secondPass: Iterable<Job>
  readonly result: () => MonteCarloNll
} {
  const distribution = checkedDistribution(given)
  const { batch, classes, rank, spatial } = distribution
  const voxels = voxelCount(spatial)
  const { samples, antithetic = false, roi } = options
  checkLabels(labels, { batch, classes, voxels }, roi)
  const noiseOf = lossNoise(distribution, options, antithetic)
  const perItem = new Float64Array(batch)
  const gradients = options.gradients
    ? {
        mean: new Float32Array(batch * classes * voxels),
        factor: new Float32Array(batch * classes * rank * voxels),
        diagonal: new Float32Array(batch * classes * voxels),
      }
    : undefined
  const ofImage = (array: Uint8Array, index: number): Uint8Array =>
    array.subarray(index * voxels, (index + 1) * voxels)
  const passes = Array.from({ length: batch }, (_, index) =>
    lossPasses(
      imageDistribution(distribution, index),
      noiseOf(index),
      ofImage(labels, index),
      roi && ofImage(roi, index),
    ),
  )

  function* firstPass(): Generator<Job> {
    for (const { logLikelihoodJobs } of passes) yield* logLikelihoodJobs
  }

  /** To be called after the first pass. */
  function* secondPass(): Generator<Job> {
    for (const [index, { logLikelihood, gradientJobs }] of passes.entries()) {
      const values = logLikelihood()
      const largest = values.reduce((a, b) => Math.max(a, b))
      const total = values.reduce((sum, value) => sum + Math.exp(value - largest), 0)
      perItem[index] = Math.log(samples) - largest - Math.log(total)
      if (gradients === undefined) continue
      const weights = values.map((value) => Math.exp(value - largest) / total / batch)
      yield* gradientJobs(imageDistribution({ ...distribution, ...gradients }, index), weights)
    }
  }

  function result(): MonteCarloNll {
    const loss = batch === 0 ? 0 : perItem.reduce((sum, item) => sum + item, 0) / batch
    return { loss, perItem, ...(gradients && { gradients }) }
  }

  return { firstPass: firstPass(), secondPass: secondPass(), result }
}

function lossNoise(
  distribution: LogitDistribution,
  options: MonteCarloNllOptions,
  antithetic: boolean,
): ReturnType<typeof noiseOfImages> {
  if (!antithetic) return noiseOfImages(distribution, options)
  if (options.samples % 2 !== 0) {
    throw new ValueError('samples', {
      found: String(options.samples),
      expected: 'an even number',
      remedy: 'Antithetic samples come in pairs',
    })
  }
  const noiseOf = noiseOfImages(distribution, { ...options, samples: options.samples / 2 })
  return (image) => antitheticNoise(noiseOf(image))
}
