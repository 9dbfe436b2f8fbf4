// Test support: what an engine on the device keeps, reads and predicts by, and whether runs go on from one backend to the other.
import { initialWeights, unet } from '@stochseg/backbones'
import {
  type EngineState,
  type StepOptions,
  type StepResult,
  standardNormals,
  type TrainingEngine,
} from '@stochseg/core'
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import { createTfjsEngine } from '../index'
import { head } from './few-steps'
import { type Arrays, largestDifference } from './updates-on-device'

const spec = unet({ inputChannels: 1, widths: [4, 8] })
const images = standardNormals(2 * 64, { seed: 2 })
const batch = {
  images,
  labels: Uint8Array.from(images, (value) => (value > 0 ? 1 : 0)),
  ...{ batch: 2, channels: 1, spatial: [8, 8] },
}

async function engineOn(backend: string): Promise<TrainingEngine> {
  const weights = initialWeights(spec, head, { seed: 1, logDiagonalBias: -4, factorScale: 0.3 })
  return createTfjsEngine({ spec, head, weights, backend, optimizer: { name: 'adamW', weightDecay: 0.1 } })
}

const options = (step: number): StepOptions => ({
  ...{ learningRate: 1e-2, gradientClip: 20, averageDecay: 0.5, samples: 6, seed: 7 },
  phase: step === 0 ? 'mean' : 'all',
  stream: 2 * step,
})

async function steps(
  engine: TrainingEngine,
  [first, last]: readonly [number, number],
  changes: Partial<StepOptions> = {},
): Promise<StepResult[]> {
  const results: StepResult[] = []
  for (let step = first; step < last; step++) {
    results.push(await engine.step(batch, { ...options(step), ...changes }))
  }
  return results
}

async function predicted(engine: TrainingEngine): Promise<Arrays> {
  const { mean, factor, diagonal } = await engine.predict(images, 2, [8, 8])
  return Object.entries({ mean, factor, diagonal })
}

/** How far a step by another engine, maybe on another backend, is from that by the one before, relatively. */
export interface Crossing {
  readonly from: string
  readonly to: string
  /** Before the step. */
  readonly prediction: number
  readonly loss: number
  readonly norm: number
  readonly weights: number
  readonly optimizer: number
}

/** From webgpu to webgpu, to wasm, and back. */
export async function crossings(): Promise<Crossing[]> {
  const result: Crossing[] = []
  for (const [from, to] of [
    ['webgpu', 'webgpu'],
    ['webgpu', 'wasm'],
    ['wasm', 'webgpu'],
  ] as const) {
    const straight = await engineOn(from)
    await steps(straight, [0, 4])
    const state = await straight.exportState()
    const prediction = await predicted(straight)
    const [wanted] = await steps(straight, [4, 5])
    const expected = await straight.exportState()
    straight.dispose()
    const resumed = await engineOn(to)
    await resumed.importState(state)
    const difference = largestDifference(await predicted(resumed), prediction)
    const [got] = await steps(resumed, [4, 5])
    const found = await resumed.exportState()
    resumed.dispose()
    const arrays = (of: EngineState['weights']): Arrays => [...of].map(([name, { data }]) => [name, data])
    result.push({
      ...{ from, to, prediction: difference },
      loss: Math.abs(got!.loss / wanted!.loss - 1),
      norm: Math.abs(got!.gradientNorm! / wanted!.gradientNorm! - 1),
      weights: largestDifference(arrays(found.weights), arrays(expected.weights)),
      optimizer: largestDifference(arrays(found.optimizer), arrays(expected.optimizer)),
    })
  }
  return result
}

/** What the engine on the device keeps, and by what it predicts. */
export interface EngineFindings {
  /** Tensors, data and bytes on the device that 20 steps, a prediction and an export added. */
  readonly grown: readonly number[]
  /** Tensors that an engine leaves when it is disposed of. */
  readonly left: number
  /** Numbers that each read of a step brings. */
  readonly reads: readonly number[]
  /** Whether averages change the losses. */
  readonly disturbed: boolean
  /** Difference between the prediction by averages and that by exported weights, and that by weights without averages. */
  readonly predictions: readonly number[]
  /** The loss of an image that is not finite, and whether it left weights and optimiser alone. */
  readonly lossOfNaN: number
  readonly untouched: boolean
}

export async function engineFindings(): Promise<EngineFindings> {
  const tensors = tf.memory().numTensors
  const engine = await engineOn('webgpu')
  const losses = await steps(engine, [0, 6])
  const byAverage = await predicted(engine)
  const { weights } = await engine.exportState()
  const exported = await engineOn('webgpu')
  await exported.importState({ weights, optimizer: new Map() })
  const plain = await engineOn('webgpu')
  const plainLosses = await steps(plain, [0, 6], { averageDecay: undefined })
  const predictions = [
    largestDifference(await predicted(exported), byAverage),
    largestDifference(await predicted(plain), byAverage),
  ]
  exported.dispose()
  plain.dispose()

  const memory = (): number[] => {
    const { numTensors, numDataBuffers, ...rest } = tf.memory()
    return [numTensors, numDataBuffers, (rest as { numBytesAllocatedInGPU?: number }).numBytesAllocatedInGPU!]
  }
  const some = async (first: number, last: number): Promise<void> => {
    await steps(engine, [first, last])
    await predicted(engine)
    await engine.exportState()
  }
  await some(6, 10)
  const before = memory()
  await some(10, 30)
  const grown = memory().map((value, index) => value - before[index]!)

  const learnt = async (): Promise<string> => {
    const { weights, optimizer } = await engine.exportState()
    // The running estimates of batch normalisation move in every forward pass.
    const all = [...weights, ...optimizer].filter(([name]) => !/norm\d\.(mean|variance)/.test(name))
    return JSON.stringify(all.map(([name, { data }]) => [name, [...data]]))
  }
  const reads: number[] = []
  const device = tf.backend() as WebGPUBackend
  const { read } = device
  device.read = async (data) => {
    const values = await read.call(device, data)
    reads.push(values.length)
    return values
  }
  await steps(engine, [30, 31])
  device.read = read

  const state = await learnt()
  const bad = { ...batch, images: Float32Array.from(images, (value, at) => (at === 9 ? Number.NaN : value)) }
  const result = await engine.step(bad, options(31))
  const untouched = state === (await learnt())
  engine.dispose()
  return {
    ...{
      grown,
      left: tf.memory().numTensors - tensors,
      reads,
      predictions,
      lossOfNaN: result.loss,
      untouched,
    },
    disturbed: JSON.stringify(losses) !== JSON.stringify(plainLosses),
  }
}
