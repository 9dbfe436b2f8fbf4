import {
  deepmedic,
  initialWeights,
  interpretNetwork,
  meshnet,
  type NetworkSpec,
  networkSpec,
  unet,
} from '@stochseg/backbones'
import { type SsnHead, ssnHead, standardNormals, type Weights } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { openBackend } from './backend'
import { buildModel } from './build'
import { TfjsEngine } from './engine'
import { buildLayersModel } from './index'
import { fromPlanar, toPlanar } from './planar'
import { specNetwork } from './trainable-network'

beforeAll(async () => {
  await openBackend()
})

/** Initial weights with every constant moved, so that no parameter goes unnoticed. */
function shakenWeights(spec: NetworkSpec, head: SsnHead): Weights {
  const weights = [...initialWeights(spec, head, { seed: 5 })].map(([name, { shape, data }], plane) => {
    const noise = standardNormals(data.length, { seed: 6, plane })
    // Variances stay above 0.
    const shaken = data.map(
      (value, index) =>
        value * (1 + 0.2 * Math.tanh(noise[index]!)) + (value === 0 ? 0.1 * noise[index]! : 0),
    )
    return [name, { shape, data: shaken }] as const
  })
  return new Map(weights)
}

function everyOperation(dimensions: 2 | 3): NetworkSpec {
  const axes = (value: number): number[] => Array(dimensions).fill(value)
  const convolution = { op: 'convolution', kernel: axes(3), padding: 'same', bias: true } as const
  const nodes: NetworkSpec['nodes'] = [
    { ...convolution, name: 'first', inputs: ['image'], channels: 6 },
    { op: 'batchNorm', name: 'norm', inputs: ['first'], epsilon: 1e-3, momentum: 0.99 },
    { op: 'activation', name: 'relu', inputs: ['norm'], function: 'relu' },
    { op: 'pool', name: 'average', inputs: ['relu'], kind: 'average', window: axes(2) },
    { op: 'pool', name: 'max', inputs: ['relu'], kind: 'max', window: axes(2) },
    { op: 'add', name: 'sum', inputs: ['average', 'max'] },
    { op: 'dropout', name: 'dropout', inputs: ['sum'], rate: 0.5 },
    { op: 'activation', name: 'prelu', inputs: ['dropout'], function: 'prelu', slope: 0.3 },
    { op: 'activation', name: 'leaky', inputs: ['prelu'], function: 'leakyRelu', slope: 0.1 },
    { op: 'activation', name: 'tanh', inputs: ['leaky'], function: 'tanh' },
    { op: 'upsample', name: 'nearest', inputs: ['tanh'], kind: 'nearest', factor: axes(2) },
    { op: 'upsample', name: 'linear', inputs: ['sum'], kind: 'linear', factor: axes(2) },
    { op: 'concat', name: 'both', inputs: ['nearest', 'linear'] },
    { ...convolution, name: 'strided', inputs: ['both'], channels: 5, stride: axes(2) },
    { op: 'activation', name: 'sigmoid', inputs: ['strided'], function: 'sigmoid' },
    { op: 'upsample', name: 'back', inputs: ['sigmoid'], kind: 'nearest', factor: axes(4) },
    { op: 'slice', name: 'slice', inputs: ['back'], start: axes(1), step: axes(2) },
    {
      op: 'transposedConvolution',
      name: 'transposed',
      inputs: ['max'],
      channels: 3,
      factor: axes(2),
      bias: true,
    },
    {
      ...convolution,
      name: 'dilated',
      inputs: ['transposed'],
      channels: 6,
      dilation: [3, 4, 2].slice(0, dimensions),
    },
    { op: 'groupNorm', name: 'groups', inputs: ['dilated'], groups: 2, epsilon: 1e-3 },
    { op: 'groupNorm', name: 'instances', inputs: ['slice'], groups: 5, epsilon: 1e-3 },
    { op: 'concat', name: 'all', inputs: ['groups', 'instances'] },
    { op: 'crop', name: 'crop', inputs: ['all'], before: axes(1), after: axes(2) },
    {
      ...convolution,
      name: 'valid',
      inputs: ['crop'],
      channels: 4,
      padding: 'valid',
      bias: false,
      dilation: [2, ...axes(1).slice(1)],
      stride: [1, ...axes(2).slice(1)],
    },
    { ...convolution, name: 'last', inputs: ['valid'], channels: 4, padding: 'valid', bias: false },
  ]
  return networkSpec({
    format: 'stochseg.network',
    version: 1,
    name: 'every-operation',
    dimensions,
    inputs: [{ name: 'image', channels: 2 }],
    nodes,
    features: 'last',
  })
}

function expectClose(actual: Float32Array, expected: Float64Array, tolerance = 1e-5): void {
  expect(actual.length).toBe(expected.length)
  const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0)
  const error = actual.reduce((max, value, index) => Math.max(max, Math.abs(value - expected[index]!)), 0)
  expect(error / largest).toBeLessThan(tolerance)
}

const networks: [string, NetworkSpec, number[]][] = [
  ['every operation in 2D', everyOperation(2), [12, 16]],
  ['every operation in 3D', everyOperation(3), [12, 16, 12]],
  ['a U-Net', unet({ inputChannels: 3, widths: [4, 8, 8] }), [12, 8]],
  [
    'a U-Net without normalisation',
    unet({ inputChannels: 1, widths: [4, 8], normalisation: 'none' }),
    [4, 6],
  ],
  [
    'a residual U-Net in 3D with instance normalisation and transposed convolutions',
    unet({
      dimensions: 3,
      inputChannels: 1,
      widths: [3, 4],
      normalisation: 'instance',
      activation: 'leakyRelu',
      upsampling: 'transposed',
      residual: true,
    }),
    [4, 6, 8],
  ],
  [
    'a U-Net with group normalisation',
    unet({ inputChannels: 2, widths: [4, 8], normalisation: 'group', groups: 2, activation: 'prelu' }),
    [6, 8],
  ],
  ['a MeshNet', meshnet({ inputChannels: 1, dilations: [1, 2, 4, 1], normalisation: 'batch' }), [6, 9, 7]],
  [
    'a DeepMedic',
    deepmedic({
      inputChannels: 2,
      widths: [3, 3],
      jointWidths: [4, 4],
      featureWidth: 0,
      scaleFactors: [3, 1],
    }),
    [15, 18, 15],
  ],
]

describe.each(networks)('%s', (_name, spec, spatial) => {
  const channels = spec.inputs[0]!.channels
  const batch = 2
  const images = standardNormals(batch * channels * spatial.reduce((a, b) => a * b), { seed: 2 })

  it.each([
    ssnHead({ classes: 3, rank: 4 }),
    ssnHead({ classes: 2, kind: 'diagonal' }),
    ssnHead({ classes: 1, kind: 'deterministic' }),
  ])('predicts what the float64 interpreter computes: $kind head', async (head) => {
    const weights = shakenWeights(spec, head)
    const input = { shape: [batch, channels, ...spatial], data: Float64Array.from(images) }
    const expected = interpretNetwork({ spec, head }, weights, new Map([['image', input]]))
    const engine = new TfjsEngine('test', specNetwork({ spec, head, weights }))
    const actual = await engine.predict(images, batch, spatial)
    expect([actual.batch, actual.classes, ...actual.spatial]).toEqual(expected.mean.shape)
    expect(actual.rank).toBe(head.rank)
    expectClose(actual.mean, expected.mean.data)
    // A relative error here is an absolute one of the log-diagonal.
    expectClose(actual.diagonal, expected.diagonal.data, 1e-4)
    if (head.rank > 0) expectClose(actual.factor, expected.factor.data)
    engine.dispose()
  })

  it('computes what the interpreter does in training mode, by the statistics of the batch', async () => {
    const head = ssnHead({ classes: 3, rank: 2 })
    const weights = shakenWeights(spec, head)
    // Dropout is random: without it.
    const nodes = spec.nodes.map((node) => (node.op === 'dropout' ? { ...node, rate: 0 } : node))
    const input = { shape: [batch, channels, ...spatial], data: Float64Array.from(images) }
    const expected = interpretNetwork({ spec, head }, weights, new Map([['image', input]]), {
      training: true,
    })
    const built = buildModel({ ...spec, nodes }, head, weights)
    const outputs = tf.tidy(() => {
      const applied = built.apply(fromPlanar(images, input.shape), { training: true }) as tf.Tensor[]
      return applied.map(toPlanar)
    })
    expectClose((await outputs[0]!.data()) as Float32Array, expected.mean.data)
    expectClose((await outputs[2]!.data()) as Float32Array, expected.factor.data)
    tf.dispose(outputs)
    built.dispose()
  })

  it('gives its weights back unchanged', async () => {
    const head = ssnHead({ classes: 3, rank: 4 })
    const weights = shakenWeights(spec, head)
    const engine = new TfjsEngine('test', specNetwork({ spec, head, weights }))
    expect((await engine.exportState()).weights).toEqual(weights)
    engine.dispose()
  })
})

describe.each([2, 3] as const)("TF.js' plain backend in %iD", (dimensions) => {
  it('computes every operation as the float64 interpreter does', async () => {
    const spec = everyOperation(dimensions)
    const head = ssnHead({ classes: 2, kind: 'deterministic' })
    const weights = shakenWeights(spec, head)
    const shape = [1, 2, ...[12, 16, 12].slice(0, dimensions)]
    const images = standardNormals(
      shape.reduce((a, b) => a * b),
      { seed: 2 },
    )
    const input = { shape, data: Float64Array.from(images) }
    const expected = interpretNetwork({ spec, head }, weights, new Map([['image', input]]))
    await openBackend({ backend: 'cpu' })
    const engine = new TfjsEngine('test', specNetwork({ spec, head, weights }))
    const actual = await engine.predict(images, 1, shape.slice(2))
    expectClose(actual.mean, expected.mean.data)
    engine.dispose()
    await openBackend()
  })
})

describe('buildLayersModel', () => {
  it('names its layers as the spec does and takes images of any size', async () => {
    const spec = unet({ inputChannels: 1, widths: [4, 8] })
    const head = ssnHead({ classes: 2, rank: 3 })
    const model = await buildLayersModel({ spec, head, weights: initialWeights(spec, head, { seed: 1 }) })
    const names = model.layers.map((layer) => layer.name)
    expect(names).toEqual(expect.arrayContaining(spec.nodes.map((node) => node.name)))
    expect(model.outputNames).toEqual(['head.mean', 'head.logDiagonal', 'head.factor'])
    for (const size of [4, 10]) {
      const outputs = model.predict(tf.zeros([1, size, size, 1])) as tf.Tensor[]
      expect(outputs.map((output) => output.shape)).toEqual([2, 2, 6].map((width) => [1, size, size, width]))
    }
    model.dispose()
  })

  it('refuses weights of another network', async () => {
    const spec = unet({ inputChannels: 1, widths: [4, 8] })
    const head = ssnHead({ classes: 2, rank: 3 })
    const weights = initialWeights(spec, ssnHead({ classes: 2, rank: 4 }), { seed: 1 })
    await expect(buildLayersModel({ spec, head, weights })).rejects.toThrow(/head.factor.weight/)
  })
})
