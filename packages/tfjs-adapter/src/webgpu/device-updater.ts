// Updates where the tensors are: gradients, weights, moments and averages stay on the device. One read a step, of two numbers,
// says what the step came to.
import {
  Optimizer,
  type OptimizerOptions,
  type ParameterState,
  type StepOptions,
  type StepResult,
  type Values,
  WeightAverage,
} from '@stochseg/core'
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import type { ModelParameter } from '../model-weights'
import type { UpdateMemory, WeightUpdater } from '../weight-updater'
import { type PassRun, type PassShader, runPass, unwritten } from './compute-pass'
import { WORKGROUP } from './shader'
import { averageShader, outcomeShader, squaresShader, updateSettings, updateShader } from './update-wgsl'

/** What is new after a step, by the names of parameters; in the old ones' place only where all went well. */
type Successors = {
  readonly moved: Record<string, { values: tf.Tensor; moments: tf.Tensor[] }>
  readonly averages: Record<string, tf.Tensor>
}

/** Squares that a thread adds up by itself, unless a parameter is very large. */
const SQUARES_OF_A_THREAD = 32
const MOST_SUMS = 1024
const MOST_GROUPS = 65535
const LARGEST_FLOAT32 = 3.4028234663852886e38

/**
 * The twin of `HostUpdater` on the webgpu backend, in float32: a norm beyond 1.8e19 is infinite.
 *
 * One pass of one dispatch, two for each parameter that moves, and one for each average.
 */
export class DeviceUpdater implements WeightUpdater {
  private readonly optimizer: Optimizer
  private readonly shader: PassShader
  private readonly moments = new Map<string, { readonly step: number; readonly tensors: tf.Tensor[] }>()
  private readonly averages = new Map<string, { readonly updates: number; readonly values: tf.Tensor }>()

  constructor(
    private readonly parameters: readonly ModelParameter[],
    private readonly options: OptimizerOptions,
  ) {
    this.optimizer = new Optimizer(options)
    this.shader = updateShader(this.optimizer.rule)
  }

  async update(value: tf.Scalar, gradients: tf.NamedTensorMap, options: StepOptions): Promise<StepResult> {
    const { outcome, ...successors } = tf.tidy(() => this.queue(value, gradients, options))
    let unused: Successors | undefined = successors
    try {
      const [loss, squares] = (await outcome.data()) as unknown as [number, number]
      if (!Number.isFinite(loss)) return { loss }
      const gradientNorm = Math.sqrt(squares)
      if (Number.isFinite(gradientNorm)) {
        unused = undefined
        this.take(successors)
      }
      return { loss, gradientNorm }
    } finally {
      tf.dispose([outcome, unused])
    }
  }

  average({ name }: ModelParameter): tf.Tensor | undefined {
    return this.averages.get(name)?.values
  }

  async memory(): Promise<UpdateMemory> {
    const optimizer = new Optimizer(this.options)
    const moments = [...this.moments].map(async ([name, { step, tensors }]) => {
      const state: ParameterState = { step, moments: await Promise.all(tensors.map(valuesOf)) }
      return [name, state] as const
    })
    optimizer.reset(await Promise.all(moments))
    const average = new WeightAverage()
    const averages = [...this.averages].map(async ([name, { updates, values }]) => {
      return [name, { updates, values: await valuesOf(values) }] as const
    })
    average.reset(await Promise.all(averages))
    return { optimizer, average }
  }

  remember({ optimizer, average }: UpdateMemory): void {
    this.dispose()
    for (const { name, variable } of this.parameters) {
      onDevice(variable)
      const uploaded = (values: Values): tf.Tensor =>
        onDevice(tf.tensor(values as Float32Array, variable.shape))
      const moved = optimizer.state().get(name)
      if (moved) this.moments.set(name, { step: moved.step, tensors: moved.moments.map(uploaded) })
      const averaged = average.state().get(name)
      if (averaged) {
        this.averages.set(name, { updates: averaged.updates, values: uploaded(averaged.values) })
      }
    }
  }

  dispose(): void {
    for (const { tensors } of this.moments.values()) tf.dispose(tensors)
    this.moments.clear()
    this.forgetAverages()
  }

  private forgetAverages(): void {
    for (const { values } of this.averages.values()) values.dispose()
    this.averages.clear()
  }

  /** Queues the whole update; `outcome` is the loss and the sum of the gradients' squares. */
  private queue(
    loss: tf.Scalar,
    gradients: tf.NamedTensorMap,
    { learningRate, gradientClip, averageDecay }: StepOptions,
  ): Successors & { readonly outcome: tf.Tensor } {
    const backend = tf.backend() as WebGPUBackend
    const moving = this.parameters.filter(({ variable }) => gradients[variable.name])
    const limit = Math.min(gradientClip ?? LARGEST_FLOAT32, LARGEST_FLOAT32)
    const { outcome, runs } = squaresOf(
      backend,
      loss,
      moving.map(({ variable }) => gradients[variable.name]!),
    )
    const successors: Successors = { moved: {}, averages: {} }
    for (const { name, variable } of moving) {
      const before = this.moments.get(name)
      const old = before?.tensors ?? this.optimizer.moments.map(() => tf.zeros(variable.shape))
      const values = unwritten(backend, variable.shape)
      const moments = old.map(() => unwritten(backend, variable.shape))
      const settings = this.optimizer.settings(name, (before?.step ?? 0) + 1, learningRate)
      runs.push({
        shader: this.shader,
        reads: [outcome, gradients[variable.name]!, variable, ...old],
        writes: [values, ...moments],
        settings: updateSettings(this.optimizer.rule, settings, limit),
        groups: groupsFor(variable),
      })
      successors.moved[name] = { values, moments }
    }
    for (const { name, variable } of averageDecay === undefined ? [] : this.parameters) {
      const values = successors.moved[name]?.values ?? variable
      const { updates, values: old } = this.averages.get(name) ?? { updates: 0, values }
      const average = unwritten(backend, variable.shape)
      runs.push({
        shader: averageShader,
        reads: [old, values],
        writes: [average],
        settings: { share: 1 - WeightAverage.kept(updates, averageDecay!) },
        groups: groupsFor(variable),
      })
      successors.averages[name] = average
    }
    runPass(backend, runs)
    return { outcome, ...successors }
  }

  private take({ moved, averages }: Successors): void {
    for (const { name, variable } of this.parameters) {
      const successor = moved[name]
      if (!successor) continue
      variable.assign(successor.values)
      successor.values.dispose()
      const before = this.moments.get(name)
      tf.dispose(before?.tensors)
      this.moments.set(name, { step: (before?.step ?? 0) + 1, tensors: successor.moments })
    }
    const updates = new Map([...this.averages].map(([name, { updates }]) => [name, updates]))
    this.forgetAverages()
    for (const [name, values] of Object.entries(averages)) {
      this.averages.set(name, { updates: (updates.get(name) ?? 0) + 1, values })
    }
  }
}

/** The loss and the sum of all gradients' squares in one tensor, and what computes it. */
function squaresOf(
  backend: WebGPUBackend,
  loss: tf.Tensor,
  gradients: readonly tf.Tensor[],
): { readonly outcome: tf.Tensor; readonly runs: PassRun[] } {
  const groups = gradients.map(({ size }) =>
    Math.min(Math.ceil(size / (WORKGROUP * SQUARES_OF_A_THREAD)), MOST_SUMS),
  )
  const parts = groups.reduce((sum, count) => sum + count, 0)
  const [partial, outcome] = [unwritten(backend, [parts]), unwritten(backend, [2])]
  let first = 0
  const runs: PassRun[] = gradients.map((gradient, index) => {
    const run = { shader: squaresShader, reads: [gradient], writes: [partial], settings: { first } }
    first += groups[index]!
    return { ...run, groups: groups[index]! }
  })
  const reads = [loss, partial]
  runs.push({ shader: outcomeShader, reads, writes: [outcome], settings: { parts }, groups: 1 })
  return { outcome, runs }
}

/** Uploaded at once: TF.js computes with small tensors on the CPU until they are, with other roundings. */
function onDevice(tensor: tf.Tensor): tf.Tensor {
  ;(tf.backend() as WebGPUBackend).uploadToGPU(tensor.dataId)
  return tensor
}

function groupsFor({ size }: tf.Tensor): number {
  return Math.min(Math.ceil(size / WORKGROUP), MOST_GROUPS)
}

async function valuesOf(tensor: tf.Tensor): Promise<Float32Array> {
  return (await tensor.data()) as Float32Array
}
