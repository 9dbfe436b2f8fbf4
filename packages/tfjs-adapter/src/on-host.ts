// The loss and the updates by core, on arrays: for backends whose tensors live in this process's memory.
import {
  clipGradients,
  Optimizer,
  type OptimizerOptions,
  type StepOptions,
  type StepResult,
  WeightAverage,
} from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { streamingLoss } from './loss'
import type { ModelParameter } from './model-weights'
import type { Placement, UpdateMemory, WeightUpdater } from './weight-updater'

/** Reads gradients and weights, and writes the weights. */
export class HostUpdater implements WeightUpdater {
  private state: UpdateMemory

  constructor(
    private readonly parameters: readonly ModelParameter[],
    optimizer: OptimizerOptions,
  ) {
    this.state = { optimizer: new Optimizer(optimizer), average: new WeightAverage() }
  }

  async update(
    value: tf.Scalar,
    gradients: tf.NamedTensorMap,
    { learningRate, gradientClip, averageDecay }: StepOptions,
  ): Promise<StepResult> {
    const loss = (await valuesOf(value))[0]!
    if (!Number.isFinite(loss)) return { loss }
    const moving = this.parameters.filter(({ variable }) => gradients[variable.name])
    const slopes = await Promise.all(moving.map(({ variable }) => valuesOf(gradients[variable.name]!)))
    const gradientNorm = clipGradients(slopes, gradientClip)
    if (!Number.isFinite(gradientNorm)) return { loss, gradientNorm }
    const { optimizer, average } = this.state
    for (const [index, { name, variable }] of moving.entries()) {
      // A copy: what cpu gives is the tensor's own array, which clones of the variable share.
      const values = (await valuesOf(variable)).slice()
      optimizer.update(name, values, slopes[index]!, learningRate)
      tf.tidy(() => void variable.assign(tf.tensor(values, variable.shape)))
    }
    if (averageDecay === undefined) average.reset()
    else {
      for (const { name, variable } of this.parameters) {
        average.update(name, await valuesOf(variable), averageDecay)
      }
    }
    return { loss, gradientNorm }
  }

  average({ name, variable }: ModelParameter): tf.Tensor | undefined {
    const average = this.state.average.state().get(name)
    return average && tf.tensor(average.values, variable.shape)
  }

  async memory(): Promise<UpdateMemory> {
    return this.state
  }

  remember(memory: UpdateMemory): void {
    this.state = memory
  }

  dispose(): void {}
}

/** For every backend but webgpu. */
export const onHost: Placement = {
  loss: streamingLoss,
  updater: (parameters, optimizer) => new HostUpdater(parameters, optimizer),
}

async function valuesOf(tensor: tf.Tensor): Promise<Float32Array> {
  return (await tensor.data()) as Float32Array
}
