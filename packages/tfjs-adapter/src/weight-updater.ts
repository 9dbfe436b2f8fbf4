// The seam between an engine and what moves its weights: on arrays in this process, or where the tensors are.
import type { Optimizer, OptimizerOptions, StepOptions, StepResult, WeightAverage } from '@stochseg/core'
import type * as tf from '@tensorflow/tfjs-core'
import type { Loss } from './loss'
import type { ModelParameter } from './model-weights'

/** What steps leave behind beside the weights, in arrays of TF.js' layout. */
export interface UpdateMemory {
  readonly optimizer: Optimizer
  readonly average: WeightAverage
}

/** Moves a network's parameters and their averages. */
export interface WeightUpdater {
  /**
   * Moves the parameters whose variables have a gradient, by the name of the variable, and then the averages of all. Where
   * the loss or the gradients' norm is not finite, or where this throws, nothing is moved.
   */
  update(loss: tf.Scalar, gradients: tf.NamedTensorMap, options: StepOptions): Promise<StepResult>
  /** A parameter's average, where one is kept; to be called in a `tf.tidy`, and not to be disposed of. */
  average(parameter: ModelParameter): tf.Tensor | undefined
  memory(): Promise<UpdateMemory>
  /** Forgets everything but what is given, which belongs to it from then on. */
  remember(memory: UpdateMemory): void
  dispose(): void
}

/** What of a step depends on where tensors live, beside the network. */
export interface Placement {
  readonly loss: Loss
  readonly updater: (parameters: readonly ModelParameter[], optimizer: OptimizerOptions) => WeightUpdater
}
