// Test support: how far updates on the device are from core's, and which it refuses.
import { type OptimizerOptions, type StepOptions, type StepResult, standardNormals } from '@stochseg/core'
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import type { ModelParameter } from '../model-weights'
import { HostUpdater } from '../on-host'
import { DeviceUpdater } from '../webgpu/device-updater'
import { runShader } from '../webgpu/shader'
import type { UpdateMemory, WeightUpdater } from '../weight-updater'

/** Several steps by core's optimiser and by its twin. */
export interface UpdateFinding {
  readonly optimizer: OptimizerOptions
  /** The largest relative difference of the gradients' norms. */
  readonly norm: number
  /** For each array, the largest difference relative to its largest value. */
  readonly values: number
  readonly moments: number
  readonly averages: number
  /** Whether both count the same steps and updates, and remember the same names. */
  readonly counts: boolean
}

const optimizers: readonly OptimizerOptions[] = [
  { name: 'adam' },
  { name: 'adam', beta1: 0.8, beta2: 0.99, epsilon: 1e-4, weightDecay: 0.1, decayed: 'all' },
  { name: 'adamW', weightDecay: 1e-4 },
  { name: 'rmsProp' },
  { name: 'rmsProp', momentum: 0.6, weightDecay: 0.1, decayed: 'all' },
  { name: 'rmsProp', momentum: 0.6, weightDecay: 0.5, decoupled: true },
]

const settings = { phase: 'all', samples: 2, seed: 0, stream: 0 } as const

export async function updateFindings(): Promise<UpdateFinding[]> {
  const findings: UpdateFinding[] = []
  for (const optimizer of optimizers) findings.push(await updateFinding(optimizer))
  return findings
}

async function updateFinding(optimizer: OptimizerOptions): Promise<UpdateFinding> {
  const [expected, found] = [network(), network()]
  const core = new HostUpdater(expected, optimizer)
  const device = new DeviceUpdater(found, optimizer)
  let norm = 0
  for (let step = 0; step < 8; step++) {
    // Norms of about 67, 134, 201 and 268 in turn.
    const options = { ...settings, learningRate: 0.03 / (1 + step), gradientClip: 150, averageDecay: 0.4 }
    const wanted = await take(core, expected, step, options)
    const got = await take(device, found, step, options)
    norm = Math.max(norm, Math.abs(got.gradientNorm! / wanted.gradientNorm! - 1))
  }
  const [wanted, got] = [await core.memory(), await device.memory()]
  const finding = {
    ...{ optimizer, norm, counts: JSON.stringify(countsOf(got)) === JSON.stringify(countsOf(wanted)) },
    values: largestDifference(await valuesOf(found), await valuesOf(expected)),
    moments: largestDifference(momentsOf(got), momentsOf(wanted)),
    averages: largestDifference(averagesOf(got), averagesOf(wanted)),
  }
  device.dispose()
  for (const { variable } of [...expected, ...found]) variable.dispose()
  return finding
}

/** What updates come to that must not be taken: whether each left everything as it was. */
export interface RefusedUpdates {
  /** The norm of a gradient that is not finite, under a loss that is. */
  readonly norm: number | undefined
  /** The error where the device refused something before. */
  readonly error: string
  readonly untouched: readonly boolean[]
}

export async function refusedUpdates(): Promise<RefusedUpdates> {
  const parameters = network()
  const [{ variable }] = parameters as [ModelParameter]
  const updater = new DeviceUpdater(parameters, { name: 'adam' })
  const options = { ...settings, learningRate: 0.1, averageDecay: 0.9 }
  await take(updater, parameters, 0, options)
  const remembered = async (): Promise<string> => {
    const memory = await updater.memory()
    return JSON.stringify([momentsOf(memory), averagesOf(memory), countsOf(memory), await variable.data()])
  }
  const before = await remembered()
  const slopes = new Float32Array(variable.size).fill(1)
  slopes[4321] = Number.POSITIVE_INFINITY
  const gradients = { [variable.name]: tf.tensor(slopes, variable.shape) }
  const { gradientNorm } = await updater.update(tf.scalar(1), gradients, options)
  const untouched = [before === (await remembered())]

  const invalid = { inputs: {}, shape: [4], code: 'fn compute(index : i32) { let x: i32 = 1.5; }' }
  runShader(tf.backend() as WebGPUBackend, invalid)
  const error = await take(updater, parameters, 1, options).then(
    () => 'none',
    ({ name }: Error) => name,
  )
  untouched.push(before === (await remembered()))
  return { norm: gradientNorm, error, untouched }
}

/** A large kernel, a bias, a kernel that moves later, and running estimates. */
function network(): ModelParameter[] {
  const parameter = (name: string, shape: number[], trainable: boolean, plane: number): ModelParameter => {
    const values = standardNormals(tf.util.sizeFromShape(shape), { seed: 1, plane })
    return { name, shape, trainable, variable: tf.variable(tf.tensor(values, shape)) }
  }
  return [
    parameter('large.weight', [3, 3, 40, 50], true, 0),
    parameter('large.bias', [7], true, 1),
    parameter('late.weight', [1, 1, 2, 3], true, 2),
    parameter('norm.mean', [5], false, 3),
  ]
}

/** One step along gradients that are the same for every updater. */
async function take(
  updater: WeightUpdater,
  parameters: readonly ModelParameter[],
  step: number,
  options: StepOptions,
): Promise<StepResult> {
  const gradients: tf.NamedTensorMap = {}
  for (const [plane, { name, trainable, variable }] of parameters.entries()) {
    const random = tf.tensor(standardNormals(variable.size, { seed: 2 + step, plane }), variable.shape)
    if (!trainable) variable.assign(random)
    else if (step > 2 || !name.startsWith('late')) {
      gradients[variable.name] = tf.tidy(() => tf.mul(random, 0.5 * (1 + (step % 4))))
    }
    random.dispose()
  }
  const loss = tf.scalar(step)
  const result = await updater.update(loss, gradients, options)
  tf.dispose([loss, gradients])
  return result
}

/** Arrays by name, in an order. */
export type Arrays = readonly (readonly [name: string, values: ArrayLike<number>])[]

const momentsOf = ({ optimizer }: UpdateMemory): Arrays =>
  [...optimizer.state()].flatMap(([name, { moments }]) => moments.map((values) => [name, values] as const))
const averagesOf = ({ average }: UpdateMemory): Arrays =>
  [...average.state()].map(([name, { values }]) => [name, values])
const countsOf = ({ optimizer, average }: UpdateMemory): unknown => [
  [...optimizer.state()].map(([name, { step }]) => [name, step]),
  [...average.state()].map(([name, { updates }]) => [name, updates]),
]
async function valuesOf(parameters: readonly ModelParameter[]): Promise<Arrays> {
  return Promise.all(parameters.map(async ({ name, variable }) => [name, await variable.data()] as const))
}

/** The largest difference of two lists of arrays, each relative to the array's largest value; NaN where names differ. */
export function largestDifference(found: Arrays, expected: Arrays): number {
  let result = 0
  for (const [index, [name, values]] of expected.entries()) {
    const [other, got] = found[index]!
    if (other !== name || got.length !== values.length) return Number.NaN
    let [difference, largest] = [0, 0]
    for (let at = 0; at < values.length; at++) {
      difference = Math.max(difference, Math.abs(got[at]! - values[at]!))
      largest = Math.max(largest, Math.abs(values[at]!))
    }
    if (difference > 0) result = Math.max(result, difference / largest)
  }
  return result
}
