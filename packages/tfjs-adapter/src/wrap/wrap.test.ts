import { readFileSync } from 'node:fs'
import { initialWeights, unet } from '@stochseg/backbones'
import { type LogitDistribution, ModelError, ssnHead, standardNormals } from '@stochseg/core'
import { loadGraphModel } from '@tensorflow/tfjs-converter'
import * as tf from '@tensorflow/tfjs-core'
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
import { referenceData } from '../../../../scripts/reference-data'
import { buildLayersModel, createTfjsEngine, installWasmTrainingKernels, wrap, wrapFunction } from '../index'

beforeAll(() => installWasmTrainingKernels())

const image = (size: readonly number[], channels = 1): Float32Array =>
  standardNormals(
    size.reduce((product, length) => product * length, channels),
    { seed: 5 },
  )

/** A U-Net as somebody would write it, which ends in `last`. */
function smallNetwork(...last: layers.Layer[]): LayersModel {
  const images = input({ shape: [null, null, 1] })
  const convolve = (filters: number) =>
    layers.conv2d({
      filters,
      kernelSize: 3,
      padding: 'same',
      activation: 'relu',
      kernelInitializer: 'heNormal',
    })
  const fine = convolve(6).apply(images) as SymbolicTensor
  const coarse = convolve(8).apply(layers.maxPooling2d({ poolSize: 2 }).apply(fine)) as SymbolicTensor
  const up = layers.upSampling2d({ size: [2, 2] }).apply(coarse) as SymbolicTensor
  const joined = layers.concatenate().apply([up, fine]) as SymbolicTensor
  const mixed = convolve(7).apply(joined) as SymbolicTensor
  return model({
    inputs: images,
    outputs: last.reduce((x, layer) => layer.apply(x) as SymbolicTensor, mixed),
  })
}

const logits = (config: object = {}): layers.Layer =>
  layers.conv2d({ filters: 3, kernelSize: 1, biasInitializer: 'randomNormal', ...config } as never)

/** Softmax of the mean, channels last, as the network gave it before. */
async function probabilities(
  network: { predict: LayersModel['predict'] },
  size: number,
): Promise<Float32Array> {
  const x = tf.tensor(image([size, size]), [1, size, size, 1])
  const [mean] = [network.predict(x)].flat() as [tf.Tensor]
  return tf.softmax(mean).dataSync() as Float32Array
}

function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(found.length).toBe(expected.length)
  let worst = 0
  for (let index = 0; index < found.length; index++) {
    worst = Math.max(worst, Math.abs(found[index]! - expected[index]!))
  }
  expect(worst).toBeLessThan(tolerance)
}

describe('wrap', () => {
  it.each([
    ['a convolution and a softmax layer', [() => logits(), () => layers.softmax({ axis: -1 })]],
    ['a convolution with softmax', [() => logits({ activation: 'softmax' })]],
    [
      'a 3×3 convolution without bias',
      [() => logits({ kernelSize: 3, useBias: false, padding: 'same' }), () => layers.softmax({ axis: -1 })],
    ],
    ['a dense layer', [() => layers.dense({ units: 3, activation: 'softmax' })]],
    [
      'resizing',
      [
        () => logits({ strides: 2 }),
        () => layers.upSampling2d({ size: [2, 2] }),
        () => layers.softmax({ axis: -1 }),
      ],
    ],
    [
      'a transposed convolution',
      [
        () => layers.averagePooling2d({ poolSize: 2 }),
        () => layers.conv2dTranspose({ filters: 3, kernelSize: 2, strides: 2, activation: 'softmax' }),
      ],
    ],
  ] as const)('keeps the probabilities of a network that ends in %s', async (_, last) => {
    const network = smallNetwork(...last.map((make) => make()))
    const x = tf.tensor(image([8, 8]), [1, 8, 8, 1])
    const before = (network.predict(x) as tf.Tensor).dataSync()
    const wrapped = await wrap(network, { classes: 3, rank: 2 })
    expectClose(await probabilities(wrapped.model, 8), before)
    const [mean, logDiagonal, factor] = wrapped.model.predict(x) as tf.Tensor[]
    expect(logDiagonal!.shape).toEqual(mean!.shape)
    expect(factor!.shape).toEqual([...mean!.shape.slice(0, -1), 6])
  })

  it('makes two classes of one sigmoid', async () => {
    const network = smallNetwork(logits({ filters: 1, activation: 'sigmoid' }))
    const x = tf.tensor(image([8, 8]), [1, 8, 8, 1])
    const before = (network.predict(x) as tf.Tensor).dataSync()
    const { model: two } = await wrap(network, { classes: 2, rank: 1 })
    expectClose(
      (await probabilities(two, 8)).filter((_, index) => index % 2 === 1),
      before,
    )
    const { model: one } = await wrap(network, { classes: 1, rank: 1 })
    expectClose(tf.sigmoid((one.predict(x) as tf.Tensor[])[0]!).dataSync(), before)
  })

  it('reads a named layer, and brings features that are smaller than the image to its size', async () => {
    const network = sequential({
      layers: [
        layers.conv2d({
          inputShape: [null, null, 2],
          filters: 4,
          kernelSize: 3,
          strides: 2,
          padding: 'same',
          name: 'half',
        }),
        layers.conv2d({ filters: 5, kernelSize: 3, strides: 2, padding: 'same', name: 'quarter' }),
        layers.globalAveragePooling2d({ dataFormat: 'channelsLast' } as never),
        layers.dense({ units: 10 }),
      ],
    } as never)
    const wrapped = await wrap(network as LayersModel, { classes: 2, head: 'diagonal', features: 'quarter' })
    expect(wrapped.outputSize([16, 24])).toEqual([16, 24])
    const engine = await createTfjsEngine({ network: wrapped })
    const { spatial, rank } = await engine.predict(image([16, 24], 2), 1, [16, 24])
    expect({ spatial, rank }).toEqual({ spatial: [16, 24], rank: 0 })
  })

  const batch = (size: readonly number[]) => {
    const images = image(size)
    return {
      ...{ images, batch: 1, channels: 1, spatial: size },
      labels: Uint8Array.from(images, (value) => (value > 0 ? 1 : 0)),
    }
  }
  const options = { learningRate: 0.01, phase: 'all', samples: 4, seed: 0, stream: 0 } as const

  it('learns; goes on bit for bit from exported weights', async () => {
    const network = await wrap(smallNetwork(logits()), { classes: 3, rank: 2 })
    const engine = await createTfjsEngine({ network })
    const losses: number[] = []
    for (let step = 0; step < 30; step++) losses.push((await engine.step(batch([8, 8]), options)).loss)
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2)
    const state = await engine.exportState()
    const next = await engine.step(batch([8, 8]), options)
    await engine.importState(state)
    expect(await engine.step(batch([8, 8]), options)).toEqual(next)
  })

  it('leaves a frozen network as it is', async () => {
    const given = smallNetwork(logits())
    const before = given.getWeights().map((weight) => weight.dataSync().slice())
    const network = await wrap(given, { classes: 3, rank: 2, frozen: true })
    const engine = await createTfjsEngine({ network })
    const { loss: first } = await engine.step(batch([8, 8]), options)
    for (let step = 0; step < 20; step++) await engine.step(batch([8, 8]), options)
    expect((await engine.step(batch([8, 8]), options)).loss).toBeLessThan(first)
    expect(given.getWeights().map((weight) => weight.dataSync())).toEqual(before)
  })

  it('trains dilated, depthwise and separable convolutions', async () => {
    const network = sequential({
      layers: [
        layers.conv2d({
          inputShape: [null, null, 1],
          filters: 4,
          kernelSize: 3,
          dilationRate: 3,
          padding: 'same',
          activation: 'relu',
        }),
        layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthMultiplier: 2 }),
        layers.batchNormalization({}),
        layers.separableConv2d({ filters: 5, kernelSize: 3, padding: 'same', activation: 'tanh' } as never),
        logits({ kernelSize: 3, dilationRate: 2, padding: 'same' }),
      ],
    })
    const x = tf.tensor(image([9, 7]), [1, 9, 7, 1])
    const before = (network.predict(x) as tf.Tensor).dataSync()
    const wrapped = await wrap(network, { classes: 3, rank: 2 })
    expectClose((wrapped.model.predict(x) as tf.Tensor[])[0]!.dataSync(), before)
    const engine = await createTfjsEngine({ network: wrapped })
    const { loss: first } = await engine.step(batch([9, 7]), options)
    for (let step = 0; step < 20; step++) await engine.step(batch([9, 7]), options)
    expect((await engine.step(batch([9, 7]), options)).loss).toBeLessThan(first)
  })

  it.each([
    [() => smallNetwork(logits({ activation: 'relu' })), {}, /activation 'relu'.*features/],
    [
      () => smallNetwork(logits(), layers.globalMaxPooling2d({ dataFormat: 'channelsLast' } as never)),
      {},
      /GlobalMaxPooling2D/,
    ],
    [() => smallNetwork(logits({ filters: 4 })), {}, /found 4 classes; expected 3.*keepMean/],
    [() => smallNetwork(logits()), { features: 'nowhere' }, /no layer 'nowhere'/],
    [
      () =>
        sequential({
          layers: [
            layers.conv2d({
              inputShape: [1, null, null],
              filters: 3,
              kernelSize: 1,
              dataFormat: 'channelsFirst',
            }),
          ],
        }),
      {},
      /channels first/,
    ],
  ])('says why it cannot cut a network (%#)', async (network, changes, message) => {
    const wrapping = wrap(network(), { classes: 3, ...changes })
    await expect(wrapping).rejects.toThrow(ModelError)
    await expect(wrapping).rejects.toThrow(message)
  })

  it('refuses a size at which the layers do not meet', async () => {
    const engine = await createTfjsEngine({
      network: await wrap(smallNetwork(logits()), { classes: 3, rank: 2 }),
    })
    await expect(engine.predict(image([9, 9]), 1, [9, 9])).rejects.toThrow(/image size.*9 × 9/)
  })

  it('wraps what buildLayersModel gives', async () => {
    const spec = unet({ inputChannels: 1, widths: [4, 6] })
    const head = ssnHead({ kind: 'deterministic', classes: 3 })
    const built = await buildLayersModel({ spec, head, weights: initialWeights(spec, head, { seed: 0 }) })
    const engine = await createTfjsEngine({ network: await wrap(built, { classes: 3, rank: 2 }) })
    expect((await engine.predict(image([8, 8]), 1, [8, 8])).rank).toBe(2)
  })
})

const meshnet = referenceData('networks/meshnet-tfjs')
const selfie = referenceData('networks/selfie-tfjs')

describe('networks that others trained', () => {
  it.skipIf(!meshnet)('a 3D MeshNet keeps its logits, and learns (needs networks/meshnet-tfjs)', async () => {
    const { modelTopology, weightsManifest } = JSON.parse(readFileSync(`${meshnet}/model.json`, 'utf8'))
    modelTopology.model_config.config.layers[0].config.batch_input_shape = [null, null, null, null, 1]
    const weightData = new Uint8Array(readFileSync(`${meshnet}/group1-shard1of1.bin`)).buffer
    const weightSpecs = weightsManifest[0].weights
    const network = await loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }))
    const size = [6, 5, 7]
    const x = tf.tensor(image(size), [1, ...size, 1])
    const before = (network.predict(x) as tf.Tensor).dataSync()
    const wrapped = await wrap(network, { classes: 3, rank: 4 })
    const engine = await createTfjsEngine({ network: wrapped })
    const scale = Math.max(...before.map(Math.abs))
    expectClose((wrapped.model.predict(x) as tf.Tensor[])[0]!.dataSync(), before, 1e-5 * scale)
    const labels = Uint8Array.from(image(size), (value) => (value > 0 ? 1 : 0))
    const batch = { images: image(size), labels, batch: 1, channels: 1, spatial: size }
    const options = { learningRate: 1e-3, phase: 'all', samples: 4, seed: 0, stream: 0 } as const
    const { loss: first } = await engine.step(batch, options)
    for (let step = 0; step < 2; step++) await engine.step(batch, options)
    expect((await engine.step(batch, options)).loss).toBeLessThan(first)
  })

  it.skipIf(!selfie)('a graph model gives features to a head (needs networks/selfie-tfjs)', async () => {
    const { modelTopology, weightsManifest } = JSON.parse(readFileSync(`${selfie}/selfie.json`, 'utf8'))
    const weightData = new Uint8Array(readFileSync(`${selfie}/selfie.bin`)).buffer
    const graph = await loadGraphModel(
      tf.io.fromMemory({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData }),
    )
    const [, height, width, channels] = graph.inputs[0]!.shape as [number, number, number, number]
    const features = (images: tf.Tensor): tf.Tensor =>
      graph.execute(images, 'add_13__xeno_compat__1') as tf.Tensor
    const found = features(tf.zeros([1, height, width, channels])).shape.at(-1)!
    const network = await wrapFunction(features, {
      classes: 2,
      rank: 3,
      channels,
      features: found,
      dimensions: 2,
    })
    const engine = await createTfjsEngine({ network })
    const images = image([height, width], channels)
    const labels = Uint8Array.from({ length: height * width }, (_, voxel) =>
      voxel % width < width / 2 ? 1 : 0,
    )
    const batch = { images, labels, batch: 1, channels, spatial: [height, width] }
    const options = { learningRate: 1e-4, phase: 'all', samples: 4, seed: 0, stream: 0 } as const
    const { loss: first } = await engine.step(batch, options)
    for (let step = 0; step < 5; step++) await engine.step(batch, options)
    expect((await engine.step(batch, options)).loss).toBeLessThan(first)
    const distribution: LogitDistribution = await engine.predict(images, 1, [height, width])
    expect(distribution.spatial).toEqual([height, width])
    expect([...(await engine.exportState()).weights.keys()].every((name) => name.startsWith('head.'))).toBe(
      true,
    )
  })
})
