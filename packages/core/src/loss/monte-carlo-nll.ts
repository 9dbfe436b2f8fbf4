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
import { type AsyncOptions, runJobsAsync } from '../kernels/run-jobs-async'
import { antitheticNoise } from '../noise/image-noise'
import { type NoiseOptions, noiseOfImages } from '../noise/noise-options'
import { type LossPasses, lossPasses } from './loss-jobs'

export interface MonteCarloNllOptions extends Omit<NoiseOptions, 'first'> {
  /** Sample 2k uses noise k and sample 2k + 1 its negative; `samples` must be even, explicit noise holds half of them. */
  readonly antithetic?: boolean
  /** `[N, *S]`; voxels where it is 0 are not in the loss. */
  readonly roi?: Uint8Array
  /** `[max(C, 2)]`, ≥ 0: what a voxel's log-probability is multiplied with, by its label. None unless given, as in the paper. */
  readonly classWeights?: readonly number[] | undefined
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
  const { signal, onProgress, gradients, classWeights } = options
  const pieces = [...firstPass]
  // Each weight has a first pass of its own, all share the second.
  const total = pieces.length + (gradients ? pieces.length / (classWeights?.length ?? 1) : 0)
  await runJobsAsync(pieces, { signal, onProgress: (done) => onProgress?.(done, total) })
  await runJobsAsync(secondPass, { signal, onProgress: (done) => onProgress?.(pieces.length + done, total) })
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
  const { samples, antithetic = false, roi, classWeights } = options
  checkLabels(labels, { batch, classes, voxels }, roi)
  checkClassWeights(classWeights, Math.max(classes, 2))
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
  const isInside = (voxel: number): boolean => roi?.[voxel] !== 0
  const images = Array.from({ length: batch }, (_, index) => {
    const own = ofImage(labels, index)
    const passesOf = (region: Uint8Array | undefined): LossPasses =>
      lossPasses(imageDistribution(distribution, index), noiseOf(index), own, region)
    const whole = passesOf(roi && ofImage(roi, index))
    // Log-likelihoods add up over the regions of the labels, each with its weight.
    const parts = classWeights?.map((weight, label) => ({
      weight,
      passes: passesOf(
        own.map((value, voxel) => Number(value === label && isInside(index * voxels + voxel))),
      ),
    })) ?? [{ weight: 1, passes: whole }]
    return { whole, parts }
  })

  function* firstPass(): Generator<Job> {
    for (const { parts } of images) {
      for (const { passes } of parts) yield* passes.logLikelihoodJobs
    }
  }

  /** To be called after the first pass. */
  function* secondPass(): Generator<Job> {
    for (const [index, { whole, parts }] of images.entries()) {
      const values = new Float64Array(samples)
      for (const { weight, passes } of parts) {
        passes.logLikelihood().forEach((value, sample) => {
          values[sample]! += weight * value
        })
      }
      const largest = values.reduce((a, b) => Math.max(a, b))
      const total = values.reduce((sum, value) => sum + Math.exp(value - largest), 0)
      perItem[index] = Math.log(samples) - largest - Math.log(total)
      if (gradients === undefined) continue
      const weights = values.map((value) => Math.exp(value - largest) / total / batch)
      yield* whole.gradientJobs(imageDistribution({ ...distribution, ...gradients }, index), weights)
    }
  }

  function result(): MonteCarloNll {
    if (gradients && classWeights) weightByClass(gradients, labels, classWeights, { batch, voxels })
    const loss = batch === 0 ? 0 : perItem.reduce((sum, item) => sum + item, 0) / batch
    return { loss, perItem, ...(gradients && { gradients }) }
  }

  return { firstPass: firstPass(), secondPass: secondPass(), result }
}

/** A voxel's gradient is that without weights, times the weight of its label. */
function weightByClass(
  gradients: NonNullable<MonteCarloNll['gradients']>,
  labels: Uint8Array,
  classWeights: readonly number[],
  { batch, voxels }: { readonly batch: number; readonly voxels: number },
): void {
  for (const gradient of [gradients.mean, gradients.factor, gradients.diagonal]) {
    const planes = gradient.length / (batch * voxels)
    for (let index = 0; index < gradient.length; index++) {
      const image = Math.floor(index / (planes * voxels))
      // Outside the region of interest the label may be no class, and the gradient is 0.
      gradient[index]! *= classWeights[labels[image * voxels + (index % voxels)]!] ?? 0
    }
  }
}

function checkClassWeights(weights: readonly number[] | undefined, values: number): void {
  if (weights === undefined) return
  if (weights.length === values && weights.every((weight) => weight >= 0 && Number.isFinite(weight))) return
  throw new ValueError('class weights', {
    found: `[${weights}]`,
    expected: `${values} numbers ≥ 0, one for each label value`,
    remedy: 'Give one for the background too',
  })
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
