// The loss of one small image over and over, as its parameters change: in WASM memory that stands, so that a call
// allocates nothing. What the paper's toy problem is made of.
import { scalesOf } from '../distribution/edits'
import { type ImageDistribution, logitDistribution } from '../distribution/logit-distribution'
import { BLOCK_HEADER, block, blockStride, tileBytes } from '../kernels/block'
import { kernelInstance } from '../kernels/kernel-instance'
import { kernelModule } from '../kernels/kernel-module'
import { kernelNoise } from '../kernels/kernel-noise'
import { drawnNoise } from '../noise/image-noise'
import { seedKey } from '../noise/noise'
import type { ImageGradients } from './gradient-kernel'
import { keptBytesOf } from './loss-jobs'
import { monteCarloNll } from './monte-carlo-nll'

/** One image's loss: {@link parameters} are changed in place, {@link gradients} are those of the last {@link run}. */
export interface RepeatedLoss {
  readonly parameters: ImageGradients
  readonly gradients: ImageGradients
  /** The loss (eq. 7) on the noise of `stream`, the same as `monteCarloNll`'s to rounding. */
  run(stream: number): number
}

/** What stays the same from call to call. */
export interface RepeatedLossOptions {
  readonly classes: number
  readonly rank: number
  /** `[S]`, values below max(C, 2). */
  readonly labels: Uint8Array
  readonly samples: number
  readonly seed: number
}

/** Prepares the loss of an image of `labels.length` voxels: tens or hundreds, as memory is one block's. */
export function repeatedLoss(options: RepeatedLossOptions): RepeatedLoss {
  const { classes, rank, labels } = options
  const arrays = (): ImageGradients => ({
    mean: new Float32Array(classes * labels.length),
    factor: new Float32Array(classes * rank * labels.length),
    diagonal: new Float32Array(classes * labels.length).fill(1),
  })
  const [parameters, gradients] = [arrays(), arrays()]
  const module = kernelModule()
  const run = module
    ? standingKernels(module, { ...parameters, classes, rank, voxels: labels.length }, gradients, options)
    : plainly(parameters, gradients, options)
  return { parameters, gradients, run }
}

function plainly(
  parameters: ImageGradients,
  gradients: ImageGradients,
  { classes, rank, labels, samples, seed }: RepeatedLossOptions,
): RepeatedLoss['run'] {
  return (stream) => {
    const distribution = logitDistribution({
      ...{ batch: 1, classes, rank, spatial: [labels.length] },
      ...parameters,
    })
    const result = monteCarloNll(distribution, labels, { samples, seed, stream, gradients: true })
    for (const name of ['mean', 'factor', 'diagonal'] as const) gradients[name].set(result.gradients![name])
    return result.loss
  }
}

function standingKernels(
  module: WebAssembly.Module,
  image: ImageDistribution,
  gradients: ImageGradients,
  { labels, samples, seed }: RepeatedLossOptions,
): RepeatedLoss['run'] {
  const { classes, rank, voxels } = image
  const range = { start: 0, end: voxels }
  const stride = blockStride(range)
  const scales = scalesOf(undefined, image)
  const noise = kernelNoise(drawnNoise({ key: seedKey(seed), stream: 0, first: 0, samples }, rank), scales)!
  const keptBytes = keptBytesOf(image, noise)
  const gradientBytes = classes * (2 + rank) * stride * 4
  const whole = block(
    'lossGradients',
    { image, range, noise, scales, labels, weights: new Float32Array(samples) },
    {
      outputBytes: Math.ceil(Math.max(gradientBytes, samples * 8) / 64) * 64 + keptBytes,
      scratchBytes:
        tileBytes(image) + (Math.max(classes, 2) + Math.max(2 * samples, classes * (7 + rank))) * 16,
      keptBytes,
    },
  )
  const kernels = kernelInstance(module)
  const memory = kernels.memory(whole.bytes)
  whole.pack(memory, kernels.heap, kernels.heap)
  const header = new Uint32Array(memory, kernels.heap, 32)
  const planesAt = (address: number, count: number): Float32Array[] =>
    Array.from(
      { length: count },
      (_, plane) => new Float32Array(memory, address + plane * stride * 4, voxels),
    )
  const output = header[BLOCK_HEADER.output]!
  const inputs = [
    { planes: planesAt(header[BLOCK_HEADER.mean]!, classes), array: image.mean },
    { planes: planesAt(header[BLOCK_HEADER.diagonal]!, classes), array: image.diagonal },
    { planes: planesAt(header[BLOCK_HEADER.factor]!, classes * rank), array: image.factor },
  ]
  const outputPlanes = planesAt(output, classes * (2 + rank))
  const outputs = [
    { planes: outputPlanes.slice(0, classes), array: gradients.mean },
    { planes: outputPlanes.slice(classes, 2 * classes), array: gradients.diagonal },
    { planes: outputPlanes.slice(2 * classes), array: gradients.factor },
  ]
  const logLikelihoods = new Float64Array(memory, output, samples)
  const weights = new Float32Array(memory, header[BLOCK_HEADER.weights]!, samples)
  return (stream) => {
    for (const { planes, array } of inputs) {
      for (let index = 0; index < array.length; index++) {
        planes[Math.floor(index / voxels)]![index % voxels] = array[index]!
      }
    }
    header[BLOCK_HEADER.stream] = stream
    kernels.run('factorNoise')
    kernels.run('logLikelihoods')
    let largest = Number.NEGATIVE_INFINITY
    for (let m = 0; m < samples; m++) largest = Math.max(largest, logLikelihoods[m]!)
    let total = 0
    for (let m = 0; m < samples; m++) total += Math.exp(logLikelihoods[m]! - largest)
    for (let m = 0; m < samples; m++) weights[m] = Math.exp(logLikelihoods[m]! - largest) / total
    kernels.run('lossGradients')
    for (const { planes, array } of outputs) {
      for (let index = 0; index < array.length; index++) {
        array[index] = planes[Math.floor(index / voxels)]![index % voxels]!
      }
    }
    return Math.log(samples) - largest - Math.log(total)
  }
}
