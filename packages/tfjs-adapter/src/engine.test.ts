import { initialWeights, type NetworkSpec, unet } from '@stochseg/backbones'
import {
  ModelError,
  type OptimizerOptions,
  ShapeError,
  type SsnHead,
  type StepOptions,
  ssnHead,
  standardNormals,
  ValueError,
} from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { openBackend } from './backend'
import { TfjsEngine } from './engine'
import { createTfjsEngine } from './index'
import { specNetwork } from './trainable-network'

const spec = unet({ inputChannels: 1, widths: [4, 8] })
const head = ssnHead({ classes: 2, rank: 2 })
const size = 16
const batch = {
  images: standardNormals(2 * size * size, { seed: 3 }),
  // A square that lies elsewhere in each image, and shows in neither.
  labels: Uint8Array.from({ length: 2 * size * size }, (_, index) => {
    const [row, column] = [Math.floor(index / size) % size, index % size]
    const start = index < size * size ? 2 : 8
    return row >= start && row < start + 6 && column >= start && column < start + 6 ? 1 : 0
  }),
  batch: 2,
  channels: 1,
  spatial: [size, size],
}

function options(step: number, changes: Partial<StepOptions> = {}): StepOptions {
  return { learningRate: 1e-3, phase: 'all', samples: 8, seed: 11, stream: 2 * step, ...changes }
}

function engineOf(of: SsnHead = head, network: NetworkSpec = spec): TfjsEngine {
  const weights = initialWeights(network, of, { seed: 1 })
  return new TfjsEngine('test', specNetwork({ spec: network, head: of, weights }))
}

async function losses(engine: TfjsEngine, first: number, last: number): Promise<number[]> {
  const result: number[] = []
  for (let step = first; step <= last; step++) result.push((await engine.step(batch, options(step))).loss)
  return result
}

beforeAll(async () => {
  await openBackend()
})

describe('TfjsEngine', () => {
  it.each(['low-rank', 'diagonal', 'deterministic'] as const)(
    'overfits one batch with a %s head',
    async (kind) => {
      const engine = engineOf(ssnHead({ classes: 2, rank: 2, kind }))
      const learningRate = 2e-2
      const { loss: first } = await engine.step(batch, options(0, { learningRate }))
      let last = first
      for (let step = 1; step < 60; step++)
        last = (await engine.step(batch, options(step, { learningRate }))).loss
      expect(last).toBeLessThan(0.1 * first)
      engine.dispose()
    },
  )

  it('goes on bit for bit after export and import', async () => {
    const straight = engineOf()
    await straight.step(batch, options(0, { phase: 'mean' }))
    await losses(straight, 1, 3)
    const state = await straight.exportState()
    const expected = await losses(straight, 4, 7)

    const resumed = engineOf()
    await losses(resumed, 0, 1)
    await resumed.importState(state)
    expect(await losses(resumed, 4, 7)).toEqual(expected)
    expect((await resumed.exportState()).optimizer).toEqual((await straight.exportState()).optimizer)
  })

  it('stays on its backend, whatever was made the current one', async () => {
    const expected = await losses(engineOf(), 0, 3)
    const engine = engineOf()
    const found = await losses(engine, 0, 1)
    await openBackend({ backend: 'cpu' })
    found.push(...(await losses(engine, 2, 3)))
    expect(tf.getBackend()).toBe('wasm')
    expect(found).toEqual(expected)
    await tf.setBackend('cpu')
    await engine.predict(batch.images, batch.batch, batch.spatial)
    expect(tf.getBackend()).toBe('wasm')
  })

  it('draws dropout masks from seed and stream alone', async () => {
    const dropped: NetworkSpec = {
      ...spec,
      nodes: [...spec.nodes, { op: 'dropout', name: 'drop', inputs: [spec.features], rate: 0.5 }],
      features: 'drop',
    }
    const loss = async (stream: number): Promise<number> =>
      (await engineOf(head, dropped).step(batch, options(stream, { phase: 'mean' }))).loss
    expect(await loss(1)).toBe(await loss(1))
    expect(await loss(1)).not.toBe(await loss(2))
  })

  it('keeps no tensors, and takes no more memory, in 500 steps', async () => {
    const small = unet({ inputChannels: 1, widths: [4, 4] })
    const engine = engineOf(head, small)
    const image = {
      ...batch,
      images: batch.images.subarray(0, 64),
      labels: batch.labels.subarray(0, 64),
      batch: 1,
      spatial: [8, 8],
    }
    const { wasm } = tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }
    const memory = (): number[] => [tf.memory().numTensors, tf.memory().numDataBuffers, wasm.HEAPU8.length]
    const some = async (first: number, last: number): Promise<void> => {
      for (let step = first; step < last; step++) await engine.step(image, options(step))
      await engine.predict(image.images, 1, [8, 8])
    }
    await some(0, 20)
    const before = memory()
    await some(20, 500)
    expect(memory()).toEqual(before)
    engine.dispose()
  })

  it('gives everything back on dispose', async () => {
    const before = tf.memory().numTensors
    const engine = engineOf()
    await engine.step(batch, options(0))
    engine.dispose()
    expect(tf.memory().numTensors).toBe(before)
  })

  it('moves only the mean of the head in the first phase', async () => {
    const engine = engineOf()
    await engine.step(batch, options(0, { phase: 'mean' }))
    const { weights, optimizer } = await engine.exportState()
    const start = initialWeights(spec, head, { seed: 1 })
    expect(weights.get('head.factor.weight')).toEqual(start.get('head.factor.weight'))
    expect(weights.get('head.mean.weight')).not.toEqual(start.get('head.mean.weight'))
    expect([...optimizer.keys()].some((name) => name.startsWith('head.factor'))).toBe(false)
  })

  it("moves the running estimates by Keras' rule", async () => {
    const engine = engineOf()
    await engine.step(batch, options(0, { learningRate: 0 }))
    const { weights } = await engine.exportState()
    const kernel = weights.get('down0.conv0.weight')!.data
    // Mean of the first convolution's first channel over all voxels of the batch, by hand.
    let sum = 0
    const at = (n: number, y: number, x: number): number =>
      y < 0 || x < 0 || y >= size || x >= size ? 0 : batch.images[(n * size + y) * size + x]!
    for (let n = 0; n < 2; n++) {
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          for (let k = 0; k < 9; k++) sum += kernel[k]! * at(n, y + Math.floor(k / 3) - 1, x + (k % 3) - 1)
        }
      }
    }
    const mean = sum / (2 * size * size)
    expect(weights.get('down0.norm0.mean')!.data[0]).toBeCloseTo(0.01 * mean, 6)
    engine.dispose()
  })

  it('gives NaN and keeps its weights where the network gives no finite logits', async () => {
    const engine = engineOf()
    const before = await engine.exportState()
    const images = batch.images.slice()
    images[7] = Number.NaN
    expect(await engine.step({ ...batch, images }, options(0))).toEqual({ loss: Number.NaN })
    const after = await engine.exportState()
    expect(after.optimizer.size).toBe(0)
    expect(after.weights.get('head.mean.weight')).toEqual(before.weights.get('head.mean.weight'))
    engine.dispose()
  })

  it('takes nothing in of what lies outside the region of interest', async () => {
    const roi = Uint8Array.from(batch.labels, (_, index) => (index % 3 === 0 ? 1 : 0))
    const labels = batch.labels.map((label, index) => (roi[index] ? label : 255))
    const [expected, actual] = [engineOf(), engineOf()]
    const result = await expected.step({ ...batch, roi }, options(0))
    expect(await actual.step({ ...batch, labels, roi }, options(0))).toEqual(result)
    expect(await actual.exportState()).toEqual(await expected.exportState())
    expect(result.loss).toBeLessThan((await engineOf().step(batch, options(0))).loss)
  })

  it('draws mirrored pairs of samples when told to', async () => {
    const loss = async (changes: Partial<StepOptions>): Promise<number> =>
      (await engineOf().step(batch, options(0, changes))).loss
    expect(await loss({ antithetic: true })).not.toBe(await loss({}))
    expect(await loss({ antithetic: false })).toBe(await loss({}))
    await expect(loss({ antithetic: true, samples: 7 })).rejects.toThrow(/even/)
  })

  it('learns nothing from a batch that lies wholly outside', async () => {
    const engine = engineOf()
    await engine.step(batch, options(0))
    const before = await engine.exportState()
    const roi = new Uint8Array(batch.labels.length)
    expect(await engine.step({ ...batch, roi }, options(1))).toEqual({ loss: 0 })
    expect(await engine.exportState()).toEqual(before)
  })

  it('learns from empty masks', async () => {
    const engine = engineOf()
    const empty = { ...batch, labels: new Uint8Array(batch.labels.length) }
    const { loss: first } = await engine.step(empty, options(0))
    for (let step = 1; step < 20; step++) await engine.step(empty, options(step, { learningRate: 0.02 }))
    const { loss: last } = await engine.step(empty, options(20))
    expect(last).toBeGreaterThanOrEqual(0)
    expect(last).toBeLessThan(0.1 * first)
  })

  it('refuses labels that are no classes, and loses nothing', async () => {
    const engine = engineOf()
    const tensors = tf.memory().numTensors
    const labels = batch.labels.map((label, index) => (index === 40 ? 2 : label))
    await expect(engine.step({ ...batch, labels }, options(0))).rejects.toThrow(ValueError)
    await expect(engine.step({ ...batch, labels: labels.subarray(1) }, options(0))).rejects.toThrow(
      ShapeError,
    )
    expect(tf.memory().numTensors).toBe(tensors)
    expect(await engine.step(batch, options(0))).toEqual(await engineOf().step(batch, options(0)))
  })

  it('refuses what does not fit, and stays usable', async () => {
    const engine = engineOf()
    await expect(engine.predict(batch.images, 2, [15, 16])).rejects.toThrow(ShapeError)
    await expect(engine.predict(batch.images, 1, [size, size])).rejects.toThrow(/512 values/)
    const state = await engine.exportState()
    const other = await engineOf(ssnHead({ classes: 2, rank: 3 })).exportState()
    await expect(engine.importState(other)).rejects.toThrow(ModelError)
    const foreign = new Map([['nothing.adam.step', { shape: [1], data: Float32Array.of(1) }]])
    await expect(engine.importState({ ...state, optimizer: foreign })).rejects.toThrow(/optimiser state/)
    expect(await engine.exportState()).toEqual(state)
  })
})

describe('createTfjsEngine', () => {
  it('names the backend and trains', async () => {
    const engine = await createTfjsEngine({ spec, head, weights: initialWeights(spec, head, { seed: 1 }) })
    expect(engine.name).toMatch(/^tfjs wasm/)
    expect((await engine.step(batch, options(0))).loss).toBeGreaterThan(0)
    engine.dispose()
  })

  it('says what to install for a backend that is not there', async () => {
    const weights = initialWeights(spec, head, { seed: 1 })
    await expect(createTfjsEngine({ spec, head, weights, backend: 'abacus' })).rejects.toThrow(/'abacus'/)
  })

  it('leaves no network behind where it cannot be made', async () => {
    const weights = initialWeights(spec, head, { seed: 1 })
    const tensors = tf.memory().numTensors
    const optimizer = { name: 'hope' } as unknown as OptimizerOptions
    await expect(createTfjsEngine({ spec, head, weights, optimizer })).rejects.toThrow(/optimizer name/)
    expect(tf.memory().numTensors).toBe(tensors)
  })
})
