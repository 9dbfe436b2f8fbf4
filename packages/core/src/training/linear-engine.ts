// For the Trainer's tests: the smallest engine that truly trains. A linear map from a voxel's intensity to its mean, factor
// and log-diagonal, with the analytic gradients of the loss.
import { type LogitDistribution, voxelCount } from '../distribution/logit-distribution'
import { clipGradients } from './optimizers/clip-gradients'
import { Optimizer } from './optimizers/optimizer'
import { optimizerState, optimizerWeights } from './optimizers/optimizer-state'
import type { OptimizerOptions } from './optimizers/update-rule'
import { splitAverage, WeightAverage, withAverage } from './optimizers/weight-average'
import type { StepOptions, TrainingBatch, TrainingEngine } from './training-engine'
import { trainingLoss } from './training-loss'

const EPSILON = 1e-5

/** An engine for one channel and `classes` ≥ 2. `onStep` sees what the Trainer asks for. */
export function linearEngine(options: {
  readonly classes: number
  readonly rank: number
  readonly optimizer?: OptimizerOptions
  readonly onStep?: (batch: TrainingBatch, options: StepOptions) => void
}): TrainingEngine {
  const { classes, rank, onStep } = options
  const outputs = classes * (rank + 2)
  // Per output a slope and a bias; outputs are the means, then the factors, then the log-diagonals.
  const parameters = [{ name: 'all', shape: [2 * outputs] }]
  const weights = Float32Array.from({ length: 2 * outputs }, (_, index) => 0.1 * Math.sin(1 + index))
  const optimizer = new Optimizer(options.optimizer ?? { name: 'adam' })
  const average = new WeightAverage()

  const predict = (
    images: Float32Array,
    batch: number,
    spatial: readonly number[],
    weights: Float32Array,
  ): LogitDistribution => {
    const voxels = voxelCount(spatial)
    const plane = (first: number, count: number): Float32Array =>
      Float32Array.from({ length: batch * count * voxels }, (_, index) => {
        const voxel = index % voxels
        const output = first + (Math.floor(index / voxels) % count)
        const image = Math.floor(index / (count * voxels))
        return weights[2 * output]! * images[image * voxels + voxel]! + weights[2 * output + 1]!
      })
    const mean = plane(0, classes)
    const factor = plane(classes, classes * rank)
    const diagonal = plane(classes * (rank + 1), classes).map((value) => Math.exp(value) + EPSILON)
    return { batch, classes, rank, spatial, mean, factor, diagonal }
  }

  /** Adds the gradient of one array of outputs to that of the weights. */
  const accumulate = (
    gradient: Float64Array,
    images: Float32Array,
    voxels: number,
    slopes: ArrayLike<number>,
    first: number,
    count: number,
  ): void => {
    for (let index = 0; index < slopes.length; index++) {
      const output = first + (Math.floor(index / voxels) % count)
      const image = Math.floor(index / (count * voxels))
      gradient[2 * output]! += slopes[index]! * images[image * voxels + (index % voxels)]!
      gradient[2 * output + 1]! += slopes[index]!
    }
  }

  return {
    name: 'linear',
    step: async (batch, stepOptions) => {
      onStep?.(batch, stepOptions)
      const { learningRate, gradientClip, averageDecay } = stepOptions
      const { images, labels, spatial, roi } = batch
      const voxels = voxelCount(spatial)
      const distribution = predict(images, batch.batch, spatial, weights)
      const { loss, gradients } = trainingLoss(distribution, labels, { ...stepOptions, ...(roi && { roi }) })
      const gradient = new Float64Array(2 * outputs)
      const logDiagonal = gradients.diagonal.map(
        (slope, index) => slope * (distribution.diagonal[index]! - EPSILON),
      )
      accumulate(gradient, images, voxels, gradients.mean, 0, classes)
      accumulate(gradient, images, voxels, gradients.factor, classes, classes * rank)
      accumulate(gradient, images, voxels, logDiagonal, classes * (rank + 1), classes)
      const gradientNorm = clipGradients([gradient], gradientClip)
      optimizer.update('all', weights, gradient, learningRate)
      if (averageDecay === undefined) average.reset()
      else average.update('all', weights, averageDecay)
      return { loss, gradientNorm }
    },
    predict: async (images, batch, spatial) =>
      predict(images, batch, spatial, average.state().get('all')?.values ?? weights),
    exportState: async () =>
      withAverage(
        {
          weights: new Map([['all', { shape: [weights.length], data: weights.slice() }]]),
          optimizer: optimizerWeights(optimizer, parameters),
        },
        average,
      ),
    importState: async (joined) => {
      const { state, averages } = splitAverage(joined)
      optimizer.reset(optimizerState(optimizer, parameters, state.optimizer))
      weights.set(state.weights.get('all')!.data)
      average.reset(averages)
    },
    dispose: () => {},
  }
}
