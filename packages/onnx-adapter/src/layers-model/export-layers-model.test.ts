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
import { referenceData } from '../../../../scripts/reference-data'
import { OnnxSegmenter } from '../onnx-segmenter'
import { runOnnx } from '../run-onnx'
import { wrapOnnx } from '../wrap-onnx/wrap-onnx'
import { exportLayersModel } from './export-layers-model'
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
  const found = await runOnnx(exportLayersModel(artefacts), {
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
    ['average pools, same', apply(layers.averagePooling2d({ poolSize: 2, strides: 1, padding: 'same' }))],
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
    const wide = await refused(apply(layers.reshape({ targetShape: [4, 16, 3], name: 'fold' })))
    expect(wide).toThrow(/'fold': found target shape \[4,16,3\]/)
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
