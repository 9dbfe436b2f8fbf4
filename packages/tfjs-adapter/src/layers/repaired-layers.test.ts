import { standardNormals } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import {
  input,
  type LayersModel,
  layers,
  loadLayersModel,
  model,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers'
import { beforeAll, describe, expect, it } from 'vitest'
import { expectClose } from '../../../../scripts/expect-close'
import { withWeights } from '../../../../scripts/network-parts'
import { createTfjsEngine, installWasmTrainingKernels, registerLayers, wrap } from '../index'

beforeAll(async () => {
  await installWasmTrainingKernels()
  await registerLayers()
})

const values = (...shape: number[]): tf.Tensor =>
  tf.tensor(standardNormals(tf.util.sizeFromShape(shape), { seed: 2 }), shape)

/** A network whose last layer reads what `layer` gives, unchanged. */
function behind(layer: layers.Layer, shape: readonly (number | null)[]): LayersModel {
  const x = input({ shape: [...shape] })
  const last = { filters: 2, kernelSize: 1 }
  const convolution = shape.length === 3 ? layers.conv2d(last) : layers.conv3d(last)
  return withWeights(model({ inputs: x, outputs: convolution.apply(layer.apply(x)) as SymbolicTensor }))
}

async function loaded(net: LayersModel): Promise<LayersModel> {
  let saved: tf.io.ModelArtifacts = {}
  await net.save(
    tf.io.withSaveHandler(async (artefacts) => {
      saved = { ...artefacts, modelTopology: JSON.parse(JSON.stringify(artefacts.modelTopology)) }
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }
    }),
  )
  return loadLayersModel(tf.io.fromMemory(saved))
}

describe('dilated depthwise convolutions', () => {
  it.each([
    ['same', [9, 7]],
    ['valid', [11, 8]],
  ] as const)('are what they are in Keras (%s), also when loaded again', async (padding, size) => {
    const config = {
      kernelSize: 3,
      dilationRate: 2,
      padding,
      depthMultiplier: 2,
      activation: 'relu',
    } as const
    const layer = layers.depthwiseConv2d(config as never)
    const net = behind(layer, [null, null, 3])
    const x = values(2, ...size, 3) as tf.Tensor4D
    const [kernel, bias] = layer.getWeights() as [tf.Tensor4D, tf.Tensor]
    const expected = tf.relu(tf.add(tf.depthwiseConv2d(x, kernel, 1, padding, 'NHWC', 2), bias))
    const wrapped = await wrap(net, { classes: 2, rank: 2, depthwiseDilation: true })
    const found = layer.apply(x) as tf.Tensor
    expect(found.shape).toEqual(expected.shape)
    expect(layer.computeOutputShape([2, ...size, 3])).toEqual(expected.shape)
    expectClose(found.dataSync(), expected.dataSync(), 1e-5)
    await createTfjsEngine({ network: wrapped })
    const [mean] = wrapped.model.predict(x) as tf.Tensor[]
    const [again] = (await loaded(wrapped.model)).predict(x) as tf.Tensor[]
    expectClose(again!.dataSync(), mean!.dataSync(), 1e-5)
  })

  it('are not dilated, as TF.js predicts with them, where that is wanted', async () => {
    const net = behind(layers.depthwiseConv2d({ kernelSize: 3, dilationRate: 2 }), [8, 8, 3])
    const x = values(1, 8, 8, 3)
    const before = (net.predict(x) as tf.Tensor).dataSync()
    const wrapped = await wrap(net, { classes: 2, depthwiseDilation: false })
    expectClose((wrapped.model.predict(x) as tf.Tensor[])[0]!.dataSync(), before, 1e-5)
  })
})

describe('batch normalisation', () => {
  it('of volumes', async () => {
    const layer = layers.batchNormalization({ momentum: 0.5, epsilon: 1e-3 })
    const net = behind(layer, [null, null, null, 3])
    const x = values(2, 3, 4, 5, 3)
    const wrapped = await wrap(net, { classes: 2, rank: 2 })
    const [gamma, beta, mean, variance] = layer.getWeights().map((weight) => weight.clone()) as tf.Tensor[]
    const normal = (mean: tf.Tensor, variance: tf.Tensor): tf.Tensor =>
      tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-3))), gamma!), beta!)
    expectClose((layer.apply(x) as tf.Tensor).dataSync(), normal(mean!, variance!).dataSync(), 1e-5)
    const moments = tf.moments(tf.reshape(x, [-1, 3]), 0)
    const expected = normal(moments.mean, moments.variance).dataSync()
    expectClose((layer.apply(x, { training: true }) as tf.Tensor).dataSync(), expected, 1e-5)
    const moved = layer.getWeights()[2]!
    expectClose(moved.dataSync(), tf.mul(tf.add(mean!, moments.mean), 0.5).dataSync(), 1e-5)
    await createTfjsEngine({ network: wrapped })
    const [logits] = wrapped.model.predict(x) as tf.Tensor[]
    const [again] = (await loaded(wrapped.model)).predict(x) as tf.Tensor[]
    expectClose(again!.dataSync(), logits!.dataSync(), 1e-5)
  })

  it.each([{ scale: false }, { center: false }])('in training, of %o', async (config) => {
    const layer = layers.batchNormalization({ epsilon: 1e-3, ...config })
    const net = behind(layer, [null, null, 3])
    const x = values(2, 4, 5, 3)
    await createTfjsEngine({ network: await wrap(net, { classes: 2, rank: 2 }) })
    const { mean, variance } = tf.moments(tf.reshape(x, [-1, 3]), 0)
    const normal = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-3)))
    const [other] = layer.getWeights()
    const expected = 'scale' in config ? tf.add(normal, other!) : tf.mul(normal, other!)
    expectClose((layer.apply(x, { training: true }) as tf.Tensor).dataSync(), expected.dataSync(), 1e-4)
  })
})
