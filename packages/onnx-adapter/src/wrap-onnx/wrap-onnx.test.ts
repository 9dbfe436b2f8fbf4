import { readFileSync } from 'node:fs'
import { type NetworkSpec, unet } from '@stochseg/backbones'
import { DataError, ModelError, sampleLabelMaps, ssnHead, ValueError } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { referenceData } from '../../../../scripts/reference-data'
import { exportOnnx } from '../export-onnx'
import { OnnxSegmenter } from '../onnx-segmenter'
import type { OnnxNode } from '../protobuf/onnx-model'
import { readGraph } from '../protobuf/read-graph'
import { randomImages, randomWeights } from '../random-network'
import { runOnnx } from '../run-onnx'
import { foreignNetwork, integers, node, withExternalWeights } from './foreign-network'
import { FrozenFeatures, hasHeads } from './frozen-features'
import { wrapOnnx } from './wrap-onnx'

const spec = unet({ inputChannels: 3, widths: [4, 6], convolutionsPerLevel: 1 })
const softmax = node('Softmax', ['classifier'], 'probabilities', { axis: { int: 1 } })
const size = [12, 8]
const images = randomImages(2, 3, size)

/** The distribution of a wrapped file, and its mean as the runtime gives it. */
async function both(foreign: Uint8Array, options: Partial<Parameters<typeof wrapOnnx>[1]> = {}) {
  const wrapped = await wrapOnnx(foreign, { classes: 3, rank: 2, ...options })
  const segmenter = await OnnxSegmenter.load(wrapped)
  const distribution = await segmenter.predict(images, 2, size)
  const { metadata } = segmenter
  await segmenter.dispose()
  const all = await runOnnx(wrapped, {
    [readGraph(wrapped).inputs[0]!.name]: { shape: [2, 3, ...size], data: images },
  })
  return { distribution, metadata, mean: all.mean!.data }
}

describe('wrapOnnx', () => {
  it('keeps the logits as the mean, and says what it wrapped', async () => {
    const foreign = foreignNetwork(spec, 3, [softmax])
    const { distribution, metadata } = await both(foreign)
    const { probabilities } = await runOnnx(foreign, { image: { shape: [2, 3, ...size], data: images } })
    const plane = size[0]! * size[1]!
    for (let image = 0; image < 2; image++) {
      for (let voxel = 0; voxel < plane; voxel++) {
        const at = (klass: number): number => (image * 3 + klass) * plane + voxel
        const total = [0, 1, 2].reduce((sum, klass) => sum + Math.exp(distribution.mean[at(klass)]!), 0)
        const found = Math.exp(distribution.mean[at(1)]!) / total
        expect(found).toBeCloseTo(probabilities!.data[at(1)]!, 5)
      }
    }
    expect(metadata).toMatchObject({
      ...{ channels: 3, dimensions: 2, minimumSize: [2, 2], multipleOf: [2, 2] },
      properties: { made: 'elsewhere', features: spec.features, logits: 'classifier' },
    })
    expect(metadata.receptiveField[0]).toBeGreaterThan(5)
    expect(Math.max(...metadata.receptiveField)).toBeLessThanOrEqual(12)
    expect(distribution.diagonal[0]).toBeCloseTo(Math.exp(-8) + 1e-5, 8)
    const spread = Math.sqrt(
      distribution.factor.reduce((sum, v) => sum + v * v, 0) / distribution.factor.length,
    )
    expect(spread).toBeGreaterThan(0.02)
    expect(spread).toBeLessThan(0.5)
    expect(sampleLabelMaps(distribution, { samples: 2, seed: 0 }).length).toBe(4 * plane)
  })

  const perm = (order: number[]): OnnxNode['attributes'] => ({ perm: { ints: order } })
  const endings: [string, OnnxNode[]][] = [
    ['nothing', []],
    ['arithmetic with constants', [node('Add', ['classifier', 'two'], 'shifted')]],
    [
      'arithmetic with constants that are nodes',
      [
        node('Constant', [], 'shift', { value_float: { float: 2 } }),
        node('Add', ['shift', 'classifier'], 'up'),
      ],
    ],
    ['argmax', [node('ArgMax', ['classifier'], 'labels', { axis: { int: 1 } })]],
    [
      'transposes and softmax over the last axis',
      [
        node('Transpose', ['classifier'], 'last', perm([0, 2, 3, 1])),
        node('Softmax', ['last'], 'result', { axis: { int: -1 } }),
      ],
    ],
  ]
  it.each(endings)('goes back over %s', async (_, ending) => {
    const two = { name: 'two', shape: [], data: Float32Array.of(2) }
    const plain = await both(foreignNetwork(spec, 3, []))
    const found = await both(foreignNetwork(spec, 3, ending, { initializers: [two] }))
    const shift = ending.some(({ operation }) => operation === 'Add') ? 2 : 0
    expect([...found.mean]).toEqual([...plain.mean].map((value) => Math.fround(value + shift)))
  })

  it('resizes features that are smaller than the logits', async () => {
    const small: NetworkSpec = { ...spec, nodes: spec.nodes.slice(0, 4), features: 'down0.pool' }
    const resize = node('Resize', ['classifier', '', 'scales'], 'large', { mode: { string: 'linear' } })
    const scales = { name: 'scales', shape: [4], data: Float32Array.of(1, 1, 2, 2) }
    const features = small.nodes.at(-1)!.name
    const body = { ...small, features }
    const { distribution, metadata } = await both(
      foreignNetwork(body, 3, [resize], { initializers: [scales] }),
    )
    expect(metadata.properties).toMatchObject({ features, logits: 'large' })
    expect(distribution.spatial).toEqual(size)
  })

  it.each([11, 17])(
    'brings logits of strides to the size of the image (operator set %d)',
    async (operatorSet) => {
      const pool = spec.nodes.findIndex(({ op }) => op === 'pool')
      const small: NetworkSpec = {
        ...spec,
        nodes: spec.nodes.slice(0, pool + 1),
        features: spec.nodes[pool]!.name,
      }
      const foreign = foreignNetwork(small, 3, [softmax], { operatorSet })
      const { distribution, metadata, mean } = await both(foreign)
      expect(metadata).toMatchObject({
        minimumSize: [2, 2],
        multipleOf: [2, 2],
        properties: { logits: 'classifier' },
      })
      expect(distribution.spatial).toEqual(size)
      const image = { shape: [2, 3, ...size], data: images }
      const coarse = (await runOnnx(foreignNetwork(small, 3, [], { operatorSet }), { image })).classifier!
      expect(coarse.shape).toEqual([2, 3, 6, 4])
      // At the corner the same; around the middle of four coarse voxels, symmetrically, their sum.
      expect(mean[0]).toBeCloseTo(coarse.data[0]!, 5)
      const sum = (data: ArrayLike<number>, width: number, row: number, column: number): number =>
        [0, 1].reduce(
          (all, y) => all + data[(row + y) * width + column]! + data[(row + y) * width + column + 1]!,
          0,
        )
      expect(sum(mean, 8, 1, 1)).toBeCloseTo(sum(coarse.data, 4, 0, 0), 4)
    },
  )

  it('frees fixed shapes where the network runs with others, and keeps them where not', async () => {
    const shape = [1, 3, 16, 24]
    const fixed = {
      inputs: [{ name: 'image', shape }],
      outputs: [{ name: 'classifier', shape: [1, 3, 16, 24] }],
    }
    const { metadata } = await both(foreignNetwork(spec, 3, [], fixed))
    expect(metadata).toMatchObject({ minimumSize: [2, 2], multipleOf: [2, 2] })
    expect(metadata).not.toHaveProperty('fixedBatch')

    const reshape = [
      node('Reshape', ['classifier', 'flat'], 'flattened'),
      node('Reshape', ['flattened', 'back'], 'restored'),
    ]
    const initializers = [integers('flat', [3, 384]), integers('back', [1, 3, 16, 24])]
    const stiff = foreignNetwork(spec, 3, reshape, {
      ...fixed,
      outputs: [{ name: 'restored', shape }],
      initializers,
    })
    const wrapped = await wrapOnnx(stiff, {
      ...{ classes: 3, rank: 2, features: spec.features, logits: 'restored' },
    })
    const segmenter = await OnnxSegmenter.load(wrapped)
    expect(segmenter.metadata).toMatchObject({ fixedSize: true, fixedBatch: 1, minimumSize: [16, 24] })
    const { spatial } = await segmenter.predict(randomImages(1, 3, [16, 24]), 1, [16, 24])
    expect(spatial).toEqual([16, 24])
    await segmenter.dispose()
  })

  it('reads images channels first, whatever order the network has', async () => {
    const planar = await both(foreignNetwork(spec, 3, []))
    const inputs = [{ name: 'pixels', shape: ['n', 'h', 'w', 3] }]
    const first = node('Transpose', ['pixels'], 'image', perm([0, 3, 1, 2]))
    const last = foreignNetwork(spec, 3, [], { inputs }, [first])
    const found = await both(last)
    expect(found.mean).toEqual(planar.mean)
  })

  it('takes networks that compute in float16', async () => {
    const [float16, float32] = [{ to: { int: 10 } }, { to: { int: 1 } }]
    const inputs = [{ name: 'half image', shape: ['n', 3, 'h', 'w'], type: 'float16' as const }]
    const halves = [
      node('Cast', [spec.features], 'half features', float16),
      node('Cast', ['classifier'], 'half logits', float16),
    ]
    const first = node('Cast', ['half image'], 'image', float32)
    const named = { features: 'half features', logits: 'half logits' }
    const found = await both(foreignNetwork(spec, 3, halves, { inputs }, [first]), named)
    const expected = await both(foreignNetwork(spec, 3, []))
    expect(found.metadata.properties).toMatchObject(named)
    for (const [index, value] of expected.mean.entries()) expect(found.mean[index]!).toBeCloseTo(value, 1)
  })

  it('feeds the network the intensities that its author did', async () => {
    const foreign = foreignNetwork(spec, 3, [])
    const [scale, shift] = [[2], [0.5, -1, 0]]
    const wrapped = await wrapOnnx(foreign, { classes: 3, rank: 0, intensities: { scale, shift } })
    const [name] = readGraph(wrapped).inputs.map((input) => input.name)
    const shape = [2, 3, ...size]
    const found = await runOnnx(wrapped, { [name!]: { shape, data: images } })
    const changed = images.map((v, index) => 2 * v + shift[Math.floor(index / (size[0]! * size[1]!)) % 3]!)
    const expected = await runOnnx(foreign, { image: { shape, data: changed } })
    expect(found.mean!.data).toEqual(expected.classifier!.data)
    const wrong = wrapOnnx(foreign, { classes: 3, intensities: { scale: [1, 2] } })
    await expect(wrong).rejects.toThrow(/\[1,2\]; expected 1 or 3 finite numbers/)
  })

  it('takes weights from other files, and says where it cannot', async () => {
    const foreign = foreignNetwork(spec, 3, [])
    const { external, file } = withExternalWeights(foreign)
    await expect(wrapOnnx(external, { classes: 3 })).rejects.toThrow(/weights in another file, 'weights.bin'/)
    const options = { classes: 3, rank: 2, externalData: async () => file }
    const found = await wrapOnnx(external, options)
    const run = (bytes: Uint8Array) => runOnnx(bytes, { image: { shape: [2, 3, ...size], data: images } })
    expect((await run(found)).mean).toEqual((await run(await wrapOnnx(foreign, options))).mean)
    const short = async (): Promise<Uint8Array> => file.subarray(0, 100)
    await expect(wrapOnnx(external, { classes: 3, externalData: short })).rejects.toThrow(DataError)
  })

  it.each([false, true])(
    'wraps what stochseg exported with a deterministic head (float16: %s)',
    async (float16Weights) => {
      const head = ssnHead({ kind: 'deterministic', classes: 3 })
      const weights = randomWeights(spec, head, 3)
      const exported = exportOnnx({ spec, head, weights, float16Weights, properties: { made: 'here' } })
      expect(hasHeads(exported)).toBe(false)
      const { distribution, metadata } = await both(exported)
      const { mean } = await runOnnx(exported, { image: { shape: [2, 3, ...size], data: images } })
      expect(distribution.mean).toEqual(mean!.data)
      expect(distribution.rank).toBe(2)
      expect(metadata).toMatchObject({
        ...{ head: { kind: 'low-rank', rank: 2 }, minimumSize: [2, 2], multipleOf: [2, 2] },
        properties: { made: 'here', logits: 'network.mean' },
      })
      const frozen = await FrozenFeatures.load(await wrapOnnx(exported, { classes: 3, rank: 2 }))
      expect(frozen.network.head.rank).toBe(2)
      const [, features] = weights.get('head.mean.weight')!.shape
      expect((await frozen.extract(images, 2, size)).data.length).toBe(2 * (features! + 3) * 12 * 8)
      await frozen.dispose()
    },
  )

  it('renames tensors that are called as the heads\u2019 are', async () => {
    const twice = { name: 'head.mean.weight', shape: [], data: Float32Array.of(2) }
    const ending = [node('Mul', ['classifier', 'head.mean.weight'], 'mean')]
    const foreign = foreignNetwork(spec, 3, ending, { initializers: [twice] })
    const { distribution, metadata } = await both(foreign, { logits: 'mean' })
    const { mean } = await runOnnx(foreign, { image: { shape: [2, 3, ...size], data: images } })
    expect(distribution.mean).toEqual(mean!.data)
    expect(metadata.properties.logits).toBe('network.mean')
  })

  it('refuses what it cannot wrap, saying why', async () => {
    const refused = (bytes: Uint8Array, options: Partial<Parameters<typeof wrapOnnx>[1]> = {}) =>
      expect(wrapOnnx(bytes, { classes: 3, ...options })).rejects
    const plain = foreignNetwork(spec, 3, [softmax])
    await refused(plain, { classes: 2 }).toThrow(/found 3 channels; expected 2/)
    await refused(plain, { classes: 0 }).toThrow(ValueError)
    await refused(plain, { features: 'nowhere' }).toThrow(/no tensor 'nowhere'/)
    await refused(plain, { output: 'nowhere' }).toThrow(/no output 'nowhere'.*probabilities/)
    await refused(plain.subarray(0, 500)).toThrow(ModelError)
    await refused(new Uint8Array(100)).toThrow(ModelError)
    await refused(foreignNetwork(spec, 3, [], { operatorSet: 10 })).toThrow(/operator set 10/)
    const inputs = [
      { name: 'image', shape: ['n', 3, 'h', 'w'] },
      { name: 'prompt', shape: [1] },
    ]
    await refused(foreignNetwork(spec, 3, [], { inputs })).toThrow(/inputs image, prompt/)
    await refused(foreignNetwork(spec, 3, [], { inputs: [{ name: 'image', shape: ['n', 3] }] })).toThrow(
      /2 axes/,
    )
    const outputs = [{ name: 'classifier' }, { name: 'probabilities' }]
    await refused(foreignNetwork(spec, 3, [softmax], { outputs })).toThrow(
      /outputs classifier, probabilities/,
    )
    const scaled = [softmax, node('Slice', ['probabilities', 'one', 'two', 'one'], 'foreground')]
    await refused(
      foreignNetwork(spec, 3, scaled, { initializers: [integers('one', [1]), integers('two', [2])] }),
    ).toThrow(/Slice 'foreground'/)
    const quantised = [
      node('QuantizeLinear', ['classifier', 's'], 'q'),
      node('DequantizeLinear', ['q', 's'], 'd'),
    ]
    const scale = { name: 's', shape: [], data: Float32Array.of(0.1) }
    await refused(foreignNetwork(spec, 3, quantised, { initializers: [scale] })).toThrow(/is quantised/)
    const wrapped = await wrapOnnx(plain, { classes: 3, rank: 0 })
    await refused(wrapped).toThrow(/has an SSN head/)
  })

  const meshnet = referenceData('networks/meshnet-onnx/model.onnx')
  it.skipIf(!meshnet)('wraps a published MeshNet for volumes (needs networks/meshnet-onnx)', async () => {
    const wrapped = await wrapOnnx(new Uint8Array(readFileSync(meshnet!)), { classes: 3, rank: 4 })
    const segmenter = await OnnxSegmenter.load(wrapped)
    expect(segmenter.metadata).toMatchObject({ dimensions: 3, channels: 1, multipleOf: [1, 1, 1] })
    const volume = randomImages(1, 1, [24, 20, 16])
    const found = await segmenter.predict(volume, 1, [24, 20, 16])
    expect(found).toMatchObject({ classes: 3, rank: 4, spatial: [24, 20, 16] })
    await segmenter.dispose()
  })
})
