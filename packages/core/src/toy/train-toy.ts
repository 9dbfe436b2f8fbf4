// Training on the toy problem, and what the paper's figure 2 shows of the result.
import type { LogitDistribution } from '../distribution/logit-distribution'
import { ValueError } from '../errors'
import { pendingEvents } from '../event-loop'
import { monteCarloNll } from '../loss/monte-carlo-nll'
import { repeatedLoss } from '../loss/repeated-loss'
import { checkSampleRange } from '../noise/draw-noise'
import { sampleLabelMaps } from '../sampling/sample-label-maps'
import { sampleLogits } from '../sampling/sample-logits'
import { Optimizer } from '../training/optimizers/optimizer'
import { UINT32_RANGE, wholeNumber } from '../whole-number'
import { type ToyHead, ToyModel } from './toy-model'
import { TOY_PIXELS, toyLabelMaps } from './toy-problem'

/** How to train. */
export interface ToyOptions {
  readonly head: ToyHead
  /** The first half trains the mean alone, the second everything: 10,000. */
  readonly iterations?: number
  /** Adam's: 5e-3. The paper's schedule is 1e-3. */
  readonly learningRate?: number
  /** Monte-Carlo samples for each label map and iteration: 200. */
  readonly samples?: number
  /** Of the initial factor and of all noise: 0. */
  readonly seed?: number
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** A trained toy model. */
export interface TrainedToy {
  /** One class (sigmoid), 21 pixels. */
  readonly distribution: LogitDistribution
  /** Nats per label map: mean of five evaluations with 1000 fresh samples each. */
  readonly logLikelihood: number
  /** Standard deviation of the five evaluations. */
  readonly logLikelihoodSpread: number
  /** P Pᵀ + D, `[21, 21]`. */
  readonly covariance: Float64Array
  /** 14 samples of the logits, `[14, 21]`. */
  readonly sampleLogits: Float32Array
  /** The label maps of the same samples, `[14, 21]`. */
  readonly sampleLabelMaps: Uint8Array
}

const EVALUATIONS = 5
const EVALUATION_SAMPLES = 1000
const FIGURE_SAMPLES = 14
const ITERATIONS_BETWEEN_EVENTS = 50

/**
 * Fits a distribution to the toy problem's two label maps (the paper's section 5.1) by the Monte-Carlo loss of eq. 7.
 *
 * The same options give the same result. The loss takes the logarithm of the sigmoid as one function, so nothing
 * overflows however long it runs.
 *
 * @throws ValueError for a number out of range or another head, and the signal's reason when it aborts.
 */
export async function trainToy({
  head,
  iterations = 10_000,
  learningRate = 5e-3,
  samples = 200,
  seed = 0,
  signal,
  onProgress,
}: ToyOptions): Promise<TrainedToy> {
  wholeNumber('iterations', iterations, { least: 2, most: UINT32_RANGE / 4, remedy: 'The paper uses 10,000' })
  checkSampleRange(samples, 0)
  if (head !== 'low-rank' && head !== 'diagonal') throw wrong('head', head, "'low-rank' or 'diagonal'")
  if (!(learningRate > 0 && Number.isFinite(learningRate))) {
    throw wrong('learning rate', learningRate, 'a number > 0')
  }
  const model = new ToyModel(head, seed)
  const labels = toyLabelMaps()
  const losses = [0, 1].map((image) =>
    repeatedLoss({
      classes: 1,
      rank: model.rank,
      labels: labels.subarray(image * TOY_PIXELS, (image + 1) * TOY_PIXELS),
      samples,
      seed,
    }),
  )
  const meanIterations = Math.floor(iterations / 2)
  const meanOptimizer = new Optimizer({ name: 'adam' })
  const optimizer = new Optimizer({ name: 'adam' })
  for (let iteration = 0; iteration < iterations; iteration++) {
    if (iteration % ITERATIONS_BETWEEN_EVENTS === 0) {
      await pendingEvents()
      signal?.throwIfAborted()
      onProgress?.(iteration, iterations)
    }
    for (const [image, { parameters, run }] of losses.entries()) {
      model.distributionInto(parameters)
      run(2 * iteration + image)
    }
    const slopes = model.gradients(...losses.map(({ gradients }) => gradients))
    if (iteration < meanIterations) meanOptimizer.update('mean', model.mean, slopes[0]!, learningRate)
    else {
      model.parameters.forEach((parameter, which) => {
        optimizer.update(String(which), parameter, slopes[which]!, learningRate)
      })
    }
  }
  onProgress?.(iterations, iterations)

  // Streams that no iteration used.
  const evaluations = Array.from(
    { length: EVALUATIONS },
    (_, index) =>
      -monteCarloNll(model.distribution(2), labels, {
        samples: EVALUATION_SAMPLES,
        seed,
        stream: 2 * (iterations + index),
      }).loss,
  )
  const logLikelihood = evaluations.reduce((sum, value) => sum + value) / EVALUATIONS
  const squares = evaluations.reduce((sum, value) => sum + (value - logLikelihood) ** 2, 0)
  const distribution = model.distribution()
  const figure = { samples: FIGURE_SAMPLES, seed, stream: 2 * (iterations + EVALUATIONS) }
  return {
    distribution,
    logLikelihood,
    logLikelihoodSpread: Math.sqrt(squares / (EVALUATIONS - 1)),
    covariance: covarianceOf(distribution),
    sampleLogits: sampleLogits(distribution, figure),
    sampleLabelMaps: sampleLabelMaps(distribution, figure),
  }
}

function wrong(name: string, given: unknown, expected: string): ValueError {
  return new ValueError(name, {
    found: String(given),
    expected,
    remedy: 'The paper trains both heads at 1e-3',
  })
}

function covarianceOf({ rank, factor, diagonal }: LogitDistribution): Float64Array {
  const covariance = new Float64Array(TOY_PIXELS ** 2)
  for (let row = 0; row < TOY_PIXELS; row++) {
    for (let column = 0; column < TOY_PIXELS; column++) {
      let sum = row === column ? diagonal[row]! : 0
      for (let component = 0; component < rank; component++) {
        sum += factor[component * TOY_PIXELS + row]! * factor[component * TOY_PIXELS + column]!
      }
      covariance[row * TOY_PIXELS + column] = sum
    }
  }
  return covariance
}
