import { readFileSync } from 'node:fs'
import { ModelError, standardNormals } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import {
  input,
  type LayersModel,
  layers,
  loadLayersModel,
  model,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers'
import { beforeAll, describe, expect, it } from 'vitest'
import { expectClose } from '../../../../scripts/expect-close'
import { NETWORKS_OF_OTHERS } from '../../../../scripts/networks-of-others'
import { referenceData } from '../../../../scripts/reference-data'
import { OnnxSegmenter } from '../onnx-segmenter'
import { runOnnx } from '../run-onnx'
import { wrapOnnx } from '../wrap-onnx/wrap-onnx'
import { exportLayersModel, type LayersModelOptions } from './export-layers-model'
import type { LayersModelArtefacts } from './layers-model-artefacts'

beforeAll(() => tf.setBackend('cpu'))

/** What TF.js saves, with weights that are nothing in particular. */
async function saved(net: LayersModel): Promise<LayersModelArtefacts> {
  net.setWeights(
    net.weights.map((weight, index) => {
      const values = standardNormals(tf.util.sizeFromShape(weight.shape as number[]), {
        seed: 5,
        stream: index,
      })
      // Moving variances must be positive.
      const fine = weight.name.includes('variance') ? values.map((value) => 0.5 + value * value) : values
      return tf.tensor(
        fine.map((value) => 0.4 * value),
        weight.shape as number[],
      )
    }),
  )
  return artefactsOf(net)
}

async function artefactsOf(net: LayersModel): Promise<LayersModelArtefacts> {
  let artefacts: LayersModelArtefacts = {}
  await net.save(
    tf.io.withSaveHandler(async (given) => {
      // Through JSON, as a file.
      artefacts = {
        ...(given as LayersModelArtefacts),
        modelTopology: JSON.parse(JSON.stringify(given.modelTopology)),
      }
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }
    }),
  )
  return artefacts
}

/** Largest difference between TF.js and ONNX Runtime on some images, planar, relative to the largest value. */
async function compare(
  net: LayersModel,
  artefacts: LayersModelArtefacts,
  size: readonly number[],
  options: LayersModelOptions = {},
): Promise<void> {
  const channels = net.inputs[0]!.shape.at(-1)!
  const last = tf.tensor(standardNormals(2 * tf.util.sizeFromShape([...size, channels]), { seed: 8 }), [
    2,
    ...size,
    channels,
  ])
  const planar = (x: tf.Tensor): tf.Tensor =>
    tf.transpose(x, [0, x.rank - 1, ...Array.from({ length: x.rank - 2 }, (_, axis) => axis + 1)])
  const image = planar(last)
  const found = await runOnnx(exportLayersModel(artefacts, options), {
    [net.inputs[0]!.name]: { shape: image.shape, data: image.dataSync() as Float32Array },
  })
  const expected = [net.predict(last)].flat() as tf.Tensor[]
  const outputs = Object.values(found)
  expect(outputs.length).toBe(expected.length)
  expected.forEach((tensor, index) => {
    const values = planar(tensor)
    expect(outputs[index]!.shape).toEqual(values.shape)
    const scale = Math.max(1, tf.max(tf.abs(values)).dataSync()[0]!)
    expectClose(
      outputs[index]!.data.map((v) => v / scale),
      values.dataSync().map((v) => v / scale),
      1e-5,
    )
  })
}

type Build = (x: SymbolicTensor) => SymbolicTensor

const conv =
  (config: object): Build =>
  (x) =>
    layers.conv2d({ filters: 4, kernelSize: 3, ...config }).apply(x) as SymbolicTensor
const apply =
  (layer: layers.Layer): Build =>
  (x) =>
    layer.apply(x) as SymbolicTensor

describe('exportLayersModel', () => {
  const builds: [string, Build][] = [
    [
      'convolutions: valid, same, strided, dilated',
      (x) =>
        conv({ dilationRate: 2, padding: 'same' })(
          conv({ strides: 2, padding: 'same', kernelSize: [3, 2] })(conv({})(x)),
        ),
    ],
    ['activations in a convolution', (x) => conv({ activation: 'elu' })(conv({ activation: 'relu6' })(x))],
    ['a hard sigmoid', conv({ activation: 'hardSigmoid', useBias: false })],
    ['a softmax', conv({ activation: 'softmax' })],
    ['a swish', (x) => apply(layers.activation({ activation: 'swish' }))(conv({})(x))],
    [
      'depthwise',
      apply(layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding: 'same', strides: 2 })),
    ],
    [
      'separable',
      apply(layers.separableConv2d({ filters: 5, kernelSize: 3, depthMultiplier: 2, activation: 'relu' })),
    ],
    [
      'transposed, same',
      apply(layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' })),
    ],
    ['transposed, valid', apply(layers.conv2dTranspose({ filters: 4, kernelSize: [2, 3], strides: [2, 1] }))],
    [
      'transposed, kernel 4',
      apply(layers.conv2dTranspose({ filters: 2, kernelSize: 4, strides: 2, padding: 'same' })),
    ],
    ['batch normalisation', apply(layers.batchNormalization({}))],
    [
      'batch normalisation without scale and centre',
      apply(layers.batchNormalization({ scale: false, center: false })),
    ],
    ['ReLU with a largest value', apply(layers.reLU({ maxValue: 0.5 }))],
    ['leaky ReLU', apply(layers.leakyReLU({ alpha: 0.2 }))],
    ['PReLU, shared', apply(layers.prelu({ sharedAxes: [1, 2] }))],
    ['softmax as a layer', apply(layers.softmax({ axis: -1 }))],
    ['max pools, same', apply(layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }))],
    ['average pools, same', apply(layers.averagePooling2d({ poolSize: 3, strides: 1, padding: 'same' }))],
    [
      'pools of two',
      (x) =>
        apply(layers.averagePooling2d({ poolSize: 2 }))(apply(layers.maxPooling2d({ poolSize: [2, 1] }))(x)),
    ],
    ['nearest up-sampling', apply(layers.upSampling2d({ size: [2, 3] }))],
    ['bilinear up-sampling', apply(layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' }))],
    [
      'padding and cropping',
      (x) =>
        apply(
          layers.cropping2D({
            cropping: [
              [1, 0],
              [0, 2],
            ],
          }),
        )(
          apply(
            layers.zeroPadding2d({
              padding: [
                [1, 2],
                [0, 3],
              ],
            }),
          )(x),
        ),
    ],
    ['dense on channels', apply(layers.dense({ units: 5, activation: 'tanh' }))],
    ['dropout', (x) => apply(layers.dropout({ rate: 0.5 }))(x)],
    ['layer normalisation', apply(layers.layerNormalization({}))],
    ['layer normalisation without scale', apply(layers.layerNormalization({ scale: false, epsilon: 0.1 }))],
    ['rescaling', apply(layers.rescaling({ scale: 0.5, offset: -0.25 } as never))],
    ['a threshold', apply(layers.thresholdedReLU({ theta: 0.3 }))],
    ['a gelu', apply(layers.activation({ activation: 'gelu' as never }))],
    ['a mish', apply(layers.activation({ activation: 'mish' as never }))],
    ['a log-softmax', conv({ activation: 'logSoftmax' })],
    [
      'rows, images and vectors',
      (x) => {
        const rows = apply(layers.softmax({ axis: -1 }))(apply(layers.reshape({ targetShape: [-1, 3] }))(x))
        const squeezed = apply(layers.globalMaxPooling2d({} as never))(x)
        const gate = apply(layers.reshape({ targetShape: [1, 1, -1] }))(squeezed)
        const wide = apply(layers.reshape({ targetShape: [12, 8, 3] }))(rows)
        return layers.multiply({}).apply([wide, gate]) as SymbolicTensor
      },
    ],
    [
      'merges',
      (x) => {
        const [a, b, c] = [
          conv({ padding: 'same' })(x),
          conv({ padding: 'same' })(x),
          conv({ padding: 'same' })(x),
        ]
        const merged = [
          layers.add({}),
          layers.multiply({}),
          layers.average({}),
          layers.maximum({}),
          layers.minimum({}),
        ]
        const all = merged.map((layer) => layer.apply([a, b, c]) as SymbolicTensor)
        return layers.concatenate({}).apply([...all, x]) as SymbolicTensor
      },
    ],
    [
      'squeeze and excitation',
      (x) => {
        const squeezed = apply(layers.globalAveragePooling2d({}))(x)
        const weights = apply(layers.dense({ units: 3, activation: 'sigmoid' }))(squeezed)
        const shaped = apply(layers.reshape({ targetShape: [1, 1, 3] }))(weights)
        return layers.multiply({}).apply([x, shaped]) as SymbolicTensor
      },
    ],
    [
      'a layer that is used twice',
      (x) => {
        const shared = layers.conv2d({ filters: 3, kernelSize: 1 })
        return layers
          .add({})
          .apply([
            shared.apply(x) as SymbolicTensor,
            shared.apply(shared.apply(x) as SymbolicTensor) as SymbolicTensor,
          ]) as SymbolicTensor
      },
    ],
  ]
  it.each(builds)('computes what TF.js does: %s', async (_, build) => {
    const x = input({ shape: [null, null, 3] })
    const fixed = input({ shape: [12, 8, 3] })
    let net: LayersModel
    try {
      net = model({ inputs: x, outputs: build(x) })
    } catch {
      net = model({ inputs: fixed, outputs: build(fixed) })
    }
    await compare(net, await saved(net), [12, 8])
  })

  it.each(Object.entries(NETWORKS_OF_OTHERS).filter(([, { refused }]) => !refused))(
    'computes what TF.js does: %s',
    async (_, { build, size }) => {
      const net = build()
      await compare(net, await artefactsOf(net), size, { depthwiseDilation: false })
    },
  )

  it.each(['valid', 'same'] as const)('pools the zeros of a border too (%s)', async (padding) => {
    // Below zero, where a maximum over nothing would be less.
    const x = input({ shape: [8, 8, 3] })
    const below = apply(layers.activation({ activation: 'logSoftmax' as never }))(x)
    const pools = [layers.maxPooling2d, layers.averagePooling2d].map((pool) => {
      const padded = apply(layers.zeroPadding2d({ padding: 1 } as never))(below)
      return apply(pool({ poolSize: 3, strides: 1, padding }))(padded)
    })
    const net = model({ inputs: x, outputs: layers.concatenate().apply(pools) as SymbolicTensor })
    await compare(net, await saved(net), [8, 8])
  })

  it('writes the weights of a layer that is used twice once', async () => {
    const x = input({ shape: [null, null, 3] })
    const shared = layers.conv2d({ filters: 3, kernelSize: 1, name: 'shared' })
    const twice = shared.apply(shared.apply(x) as SymbolicTensor) as SymbolicTensor
    const bytes = exportLayersModel(await saved(model({ inputs: x, outputs: twice })))
    // Its name is there, and is read by two nodes.
    expect(new TextDecoder('latin1').decode(bytes).split('shared.kernel').length - 1).toBe(3)
  })

  it('pools by single voxels at a stride, and refuses other windows that are smaller than it', async () => {
    const x = input({ shape: [8, 9, 2] })
    const pooled = (poolSize: [number, number]): LayersModel => {
      const pools = [layers.maxPooling2d, layers.averagePooling2d].map(
        (pool) => pool({ poolSize, strides: [2, 3], padding: 'same' }).apply(x) as SymbolicTensor,
      )
      return model({ inputs: x, outputs: layers.concatenate().apply(pools) as SymbolicTensor })
    }
    const single = pooled([1, 1])
    await compare(single, await saved(single), [8, 9])
    const small = await saved(pooled([1, 2]))
    expect(() => exportLayersModel(small)).toThrow(
      /found windows of 1,2 at strides of 2,3; expected no stride/,
    )
  })

  it.each([13, 18, 22])('computes what TF.js does in operator set %d', async (operatorSet) => {
    const { build, size } = NETWORKS_OF_OTHERS['squeeze and excitation, layer normalisation']!
    const net = build()
    await compare(net, await artefactsOf(net), size, { operatorSet })
  })

  it('asks whether dilated depthwise convolutions are dilated, which TF.js ignores', async () => {
    const x = input({ shape: [12, 8, 3] })
    const layer = layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', dilationRate: 2, name: 'wide' })
    const net = model({ inputs: x, outputs: layer.apply(x) as SymbolicTensor })
    const artefacts = await saved(net)
    expect(() => exportLayersModel(artefacts)).toThrow(
      /'wide': found a dilation of 2 × 2, which TF.js 4.22 ignores/,
    )
    await compare(net, artefacts, [12, 8], { depthwiseDilation: false })
    const images = standardNormals(288, { seed: 1 })
    const planar = { shape: [1, 3, 12, 8], data: images }
    const bytes = exportLayersModel(artefacts, { depthwiseDilation: true })
    const { wide } = await runOnnx(bytes, { [net.inputs[0]!.name]: planar })
    const [kernel, bias] = layer.getWeights() as [tf.Tensor4D, tf.Tensor]
    const last = tf.transpose(tf.tensor(images, [1, 3, 12, 8]), [0, 2, 3, 1]) as tf.Tensor4D
    const expected = tf.add(tf.depthwiseConv2d(last, kernel, 1, 'same', 'NHWC', 2), bias)
    expectClose(wide!.data, tf.transpose(expected, [0, 3, 1, 2]).dataSync(), 1e-5)
  })

  it('takes models inside models whose layers have the same names', async () => {
    const part = (name: string): LayersModel => {
      const x = input({ shape: [null, null, 3], name: `${name}_input` })
      return model({ inputs: x, outputs: conv({ name: 'same' })(x), name })
    }
    const x = input({ shape: [8, 9, 3] })
    const [left, right] = [part('left'), part('right')]
    const own = conv({ name: 'same' })(x)
    const sum = layers.add({}).apply([left.apply(x), right.apply(x), own] as SymbolicTensor[])
    const net = model({ inputs: x, outputs: sum as SymbolicTensor })
    const artefacts = await saved(net)
    // As Python names what lies in scopes; TF.js gives all of them the same name.
    const scopes = net.layers.filter(({ weights }) => weights.length > 0).map(({ name }) => name)
    const names = scopes.flatMap((name) => {
      const scope = name === 'same' ? name : `${name}/same`
      return [`${scope}/kernel`, `${scope}/bias`]
    })
    const weightSpecs = artefacts.weightSpecs!.map((spec, index) => ({ ...spec, name: names[index]! }))
    await compare(net, { ...artefacts, weightSpecs }, [8, 9])
    expect(() => exportLayersModel(artefacts)).toThrow(/found several weights 'same\/kernel'/)
  })

  it('takes layers of volumes that TF.js lacks', async () => {
    const layer = (class_name: string, config: object, from: string): object => {
      const inbound_nodes = from === '' ? [] : [[[from, 0, 0, {}]]]
      return { class_name, name: class_name, config: { name: class_name, ...config }, inbound_nodes }
    }
    const layerList = [
      layer('InputLayer', { batch_input_shape: [null, 2, 3, 2, 1] }, ''),
      layer('UpSampling3D', { size: [2, 1, 2] }, 'InputLayer'),
      layer(
        'ZeroPadding3D',
        {
          padding: [
            [1, 0],
            [0, 0],
            [0, 1],
          ],
        },
        'UpSampling3D',
      ),
      layer(
        'Cropping3D',
        {
          cropping: [
            [2, 0],
            [1, 1],
            [0, 2],
          ],
        },
        'ZeroPadding3D',
      ),
      layer('SpatialDropout3D', { rate: 0.5 }, 'Cropping3D'),
      layer('GlobalAveragePooling3D', {}, 'SpatialDropout3D'),
      layer('GlobalMaxPooling3D', { keepdims: true }, 'SpatialDropout3D'),
    ]
    const outputs = ['SpatialDropout3D', 'GlobalAveragePooling3D', 'GlobalMaxPooling3D']
    const references = (names: readonly string[]): unknown[] => names.map((name) => [name, 0, 0])
    const config = {
      ...{ name: 'volumes', layers: layerList },
      ...{ input_layers: references(['InputLayer']), output_layers: references(outputs) },
    }
    const bytes = exportLayersModel({ modelTopology: { class_name: 'Functional', config } })
    const data = Float32Array.from({ length: 12 }, (_, index) => index)
    const found = await runOnnx(bytes, { InputLayer: { shape: [1, 1, 2, 3, 2], data } })
    // Depth: 0, a, a, b, b without two; height: the middle; width: a, a, b, b, 0 without two.
    expect(found.SpatialDropout3D).toMatchObject({ shape: [1, 1, 3, 1, 3] })
    expect([...found.SpatialDropout3D!.data]).toEqual([2, 2, 3, 8, 8, 9, 8, 8, 9])
    expect(found.GlobalAveragePooling3D!.shape).toEqual([1, 1])
    expect(found.GlobalAveragePooling3D!.data[0]).toBeCloseTo(57 / 9)
    expect(found.GlobalMaxPooling3D).toMatchObject({ shape: [1, 1, 1, 1, 1], data: Float32Array.of(9) })
  })

  it('computes what TF.js does in 3D', async () => {
    const x = input({ shape: [null, null, null, 2] })
    const convolved = layers
      .conv3d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' })
      .apply(x)
    const pooled = layers.maxPooling3d({ poolSize: 2 }).apply(convolved as SymbolicTensor)
    const averaged = layers.averagePooling3d({ poolSize: [1, 2, 1] }).apply(pooled as SymbolicTensor)
    const net = model({ inputs: x, outputs: averaged as SymbolicTensor })
    await compare(net, await saved(net), [4, 8, 6])
  })

  it('takes sequential models, and models of several outputs', async () => {
    const chain = sequential({
      layers: [
        layers.conv2d({
          filters: 4,
          kernelSize: 3,
          inputShape: [null, null, 2] as never,
          activation: 'relu',
        }),
        layers.conv2d({ filters: 2, kernelSize: 1, activation: 'softmax' }),
      ],
    })
    await compare(chain, await saved(chain), [6, 7])
    const x = input({ shape: [null, null, 3] })
    const body = conv({})(x)
    const net = model({
      inputs: x,
      outputs: [conv({ filters: 2 })(body), conv({ filters: 1, activation: 'sigmoid' })(body)],
    })
    await compare(net, await saved(net), [8, 9])
  })

  it('gives a network that can be wrapped', async () => {
    const x = input({ shape: [16, 16, 1], name: 'scan' })
    const body = layers
      .conv2d({ filters: 6, kernelSize: 3, padding: 'same', activation: 'relu', name: 'body' })
      .apply(x)
    const output = layers
      .conv2d({ filters: 2, kernelSize: 1, activation: 'softmax' })
      .apply(body as SymbolicTensor)
    const artefacts = await saved(model({ inputs: x, outputs: output as SymbolicTensor }))
    const segmenter = await OnnxSegmenter.load(
      await wrapOnnx(exportLayersModel(artefacts), { classes: 2, rank: 2 }),
    )
    expect(segmenter.metadata).toMatchObject({
      channels: 1,
      multipleOf: [1, 1],
      properties: { features: 'body' },
    })
    await segmenter.dispose()
  })

  it('names the layer that it cannot export', async () => {
    const x = input({ shape: [8, 8, 3] })
    const refused = async (build: Build): Promise<unknown> => {
      const artefacts = await saved(model({ inputs: x, outputs: build(x) }))
      return () => exportLayersModel(artefacts)
    }
    expect(await refused(apply(layers.permute({ dims: [2, 1, 3], name: 'turn' })))).toThrow(
      /layer 'turn': found a layer of class Permute/,
    )
    const wide = await refused(apply(layers.reshape({ targetShape: [8, 24], name: 'fold' })))
    expect(wide).toThrow(/'fold': found target shape \[8,24\]/)
    expect(await refused(apply(layers.prelu({ name: 'slopes' })))).not.toThrow()
    const artefacts = await saved(model({ inputs: x, outputs: conv({})(x) }))
    const { weightData, weightSpecs, ...topology } = artefacts
    expect(() => exportLayersModel(topology)).toThrow(/0 weights/)
    expect(() => exportLayersModel({ ...artefacts, weightData: new ArrayBuffer(8) })).toThrow(
      /8 bytes of weights/,
    )
    expect(() => exportLayersModel({})).toThrow(ModelError)
    expect(() => exportLayersModel({ modelTopology: { node: [] } })).toThrow(/a graph model/)
  })

  const meshnet = referenceData('networks/meshnet-tfjs')
  it.skipIf(!meshnet)('computes what a published MeshNet does (needs networks/meshnet-tfjs)', async () => {
    const { modelTopology, weightsManifest } = JSON.parse(readFileSync(`${meshnet}/model.json`, 'utf8'))
    modelTopology.model_config.config.layers[0].config.batch_input_shape = [null, null, null, null, 1]
    const weightSpecs = weightsManifest[0].weights
    const weightData = new Uint8Array(readFileSync(`${meshnet}/group1-shard1of1.bin`)).buffer
    const net = await loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }))
    await compare(net, { modelTopology, weightSpecs, weightData }, [10, 12, 9])
  })
})
