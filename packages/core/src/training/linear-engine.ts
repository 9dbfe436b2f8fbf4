// For the Trainer's tests: the smallest engine that truly trains. A linear map from a voxel's intensity to its mean, factor
// and log-diagonal, with the analytic gradients of the Monte-Carlo loss and heavy-ball momentum.
import { type LogitDistribution, voxelCount } from '../distribution/logit-distribution'
import { monteCarloNll } from '../loss/monte-carlo-nll'
import type { Weights } from '../weights'
import type { EngineState, StepOptions, TrainingBatch, TrainingEngine } from './training-engine'

const EPSILON = 1e-5
const MOMENTUM = 0.9

/** An engine for one channel and `classes` ≥ 2. `onStep` sees what the Trainer asks for. */
export function linearEngine(options: {
  readonly classes: number
  readonly rank: number
  readonly onStep?: (batch: TrainingBatch, options: StepOptions) => void
}): TrainingEngine {
  const { classes, rank, onStep } = options
  const outputs = classes * (rank + 2)
  // Per output a slope and a bias; outputs are the means, then the factors, then the log-diagonals.
  let weights = Float32Array.from({ length: 2 * outputs }, (_, index) => 0.1 * Math.sin(1 + index))
  let velocity = new Float32Array(2 * outputs)

  const predict = (images: Float32Array, batch: number, spatial: readonly number[]): LogitDistribution => {
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
      const { learningRate, phase, samples, seed, stream } = stepOptions
      const { images, labels, spatial } = batch
      const voxels = voxelCount(spatial)
      const all = predict(images, batch.batch, spatial)
      const certain = { ...all, factor: all.factor.map(() => 0), diagonal: all.diagonal.map(() => 1e-30) }
      const distribution = phase === 'mean' ? certain : all
      const { loss, gradients } = monteCarloNll(distribution, labels, {
        samples,
        seed,
        stream,
        gradients: true,
      })
      const gradient = new Float64Array(2 * outputs)
      accumulate(gradient, images, voxels, gradients!.mean, 0, classes)
      if (phase === 'all') {
        const logDiagonal = gradients!.diagonal.map(
          (slope, index) => slope * (all.diagonal[index]! - EPSILON),
        )
        accumulate(gradient, images, voxels, gradients!.factor, classes, classes * rank)
        accumulate(gradient, images, voxels, logDiagonal, classes * (rank + 1), classes)
      }
      velocity = velocity.map((value, index) => MOMENTUM * value - learningRate * gradient[index]!)
      weights = weights.map((value, index) => value + velocity[index]!)
      return loss
    },
    predict: async (images, batch, spatial) => predict(images, batch, spatial),
    exportState: async (): Promise<EngineState> => ({ weights: named(weights), optimizer: named(velocity) }),
    importState: async (state) => {
      weights = state.weights.get('all')!.data.slice()
      velocity = state.optimizer.get('all')!.data.slice()
    },
    dispose: () => {},
  }
}

function named(data: Float32Array): Weights {
  return new Map([['all', { shape: [data.length], data: data.slice() }]])
}
