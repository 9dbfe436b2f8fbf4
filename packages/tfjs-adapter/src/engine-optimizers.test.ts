import { initialWeights, unet } from '@stochseg/backbones'
import {
  type OptimizerOptions,
  type StepOptions,
  type StepResult,
  ssnHead,
  standardNormals,
} from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { openBackend } from './backend'
import { TfjsEngine } from './engine'
import { specNetwork } from './trainable-network'

const spec = unet({ inputChannels: 1, widths: [4, 8] })
const head = ssnHead({ classes: 2, rank: 2 })
const size = 16
const images = standardNormals(2 * size * size, { seed: 3 })
const batch = {
  images,
  labels: Uint8Array.from(images, (value) => (value > 0.5 ? 1 : 0)),
  batch: 2,
  channels: 1,
  spatial: [size, size],
}

const engineOf = (optimizer?: OptimizerOptions): TfjsEngine =>
  new TfjsEngine(
    'test',
    specNetwork({ spec, head, weights: initialWeights(spec, head, { seed: 1 }) }),
    optimizer,
  )

async function train(
  engine: TfjsEngine,
  [first, last]: readonly [number, number],
  changes: Partial<StepOptions> = {},
): Promise<number[]> {
  return (await steps(engine, [first, last], changes)).map(({ loss }) => loss)
}

async function steps(
  engine: TfjsEngine,
  [first, last]: readonly [number, number],
  changes: Partial<StepOptions>,
): Promise<StepResult[]> {
  const results: StepResult[] = []
  for (let step = first; step < last; step++) {
    const options = { learningRate: 1e-3, phase: 'all', samples: 4, seed: 11, stream: 2 * step } as const
    results.push(await engine.step(batch, { ...options, ...changes }))
  }
  return results
}

beforeAll(async () => {
  await openBackend()
})

describe('optimisers of the TF.js engine', () => {
  it.each([
    { name: 'adamW', weightDecay: 0.1 },
    { name: 'rmsProp', momentum: 0.6, weightDecay: 1e-4, decayed: 'all' },
  ] satisfies OptimizerOptions[])(
    '%j learns, and goes on bit for bit, averages and all',
    async (optimizer) => {
      const changes = { gradientClip: 1000, averageDecay: 0.9 }
      const straight = engineOf(optimizer)
      const [start] = await train(straight, [0, 4], changes)
      const state = await straight.exportState()
      const expected = await train(straight, [4, 20], changes)
      expect(expected.at(-1)).toBeLessThan(start!)

      const resumed = engineOf(optimizer)
      await train(resumed, [0, 2])
      await resumed.importState(state)
      expect(await train(resumed, [4, 20], changes)).toEqual(expected)
      expect(await resumed.exportState()).toEqual(await straight.exportState())
      expect(await resumed.predict(images, 2, [size, size])).toEqual(
        await straight.predict(images, 2, [size, size]),
      )
    },
  )

  it('predicts and exports by the average, and trains on by the weights under it', async () => {
    const [averaged, plain] = [engineOf(), engineOf()]
    const losses = await train(averaged, [0, 6], { averageDecay: 0.5 })
    expect(losses).toEqual(await train(plain, [0, 6]))
    const { weights } = await averaged.exportState()
    expect(weights).not.toEqual((await plain.exportState()).weights)

    const fromExport = engineOf()
    await fromExport.importState({ weights, optimizer: new Map() })
    const tensors = tf.memory().numTensors
    const prediction = await averaged.predict(images, 2, [size, size])
    expect(tf.memory().numTensors).toBe(tensors)
    expect(prediction).toEqual(await fromExport.predict(images, 2, [size, size]))
    expect(await train(averaged, [6, 8], { averageDecay: 0.5 })).toEqual(await train(plain, [6, 8]))
    // Without a decay, no average is kept any more.
    expect(await train(averaged, [8, 9])).toEqual(await train(plain, [8, 9]))
    expect(await averaged.exportState()).toEqual(await plain.exportState())
  })

  it('shortens the gradient to its limit, and says how long it was', async () => {
    const rmsProp: OptimizerOptions = { name: 'rmsProp', epsilon: 1e6 }
    // With so large an epsilon, RMSprop is plain descent.
    const moved = async (gradientClip?: number): Promise<{ norm: number; distance: number }> => {
      const engine = engineOf(rmsProp)
      const before = (await engine.exportState()).weights
      const [result] = await steps(engine, [0, 1], { learningRate: 1e3, gradientClip })
      const after = (await engine.exportState()).weights
      let squares = 0
      for (const [name, { data }] of before) {
        if (/\.(mean|variance)$/.test(name) && !name.startsWith('head')) continue
        data.forEach((value, index) => {
          squares += (after.get(name)!.data[index]! - value) ** 2
        })
      }
      return { norm: result!.gradientNorm!, distance: Math.sqrt(squares) * 1e3 }
    }
    const free = await moved()
    const clipped = await moved(free.norm / 4)
    expect(clipped.norm).toBe(free.norm)
    expect(free.distance / free.norm).toBeCloseTo(1, 2)
    expect(clipped.distance / free.norm).toBeCloseTo(0.25, 2)
  })

  it('names its optimiser where it is not the default', () => {
    expect(engineOf().settings).toEqual({})
    expect(engineOf({ name: 'adamW', weightDecay: 0.1, beta1: undefined }).settings).toEqual({
      optimizer: 'adamW, weightDecay 0.1',
    })
  })
})
