// What networks end in, what is inside them, and what cannot be wrapped.
import { initialWeights, type NetworkSpec } from '@stochseg/backbones'
import { ModelError, OutOfMemoryError, ShapeError, ssnHead, standardNormals } from '@stochseg/core'
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
import { withWeights } from '../../../../scripts/network-parts'
import { buildLayersModel, createTfjsEngine, installWasmTrainingKernels, wrap } from '../index'

beforeAll(() => installWasmTrainingKernels())

const on = (x: SymbolicTensor, ...list: layers.Layer[]): SymbolicTensor =>
  list.reduce((tensor, layer) => layer.apply(tensor) as SymbolicTensor, x)

const convolution = (filters: number, more: object = {}): layers.Layer =>
  layers.conv2d({ filters, kernelSize: 3, padding: 'same', ...more })

/** Two convolutions and what comes behind them. */
function network(...last: layers.Layer[]): LayersModel {
  const x = input({ shape: [8, 8, 2] })
  const body = on(x, convolution(4, { activation: 'relu', name: 'body' }))
  return withWeights(model({ inputs: x, outputs: on(body, ...last) }))
}

function predict(net: LayersModel): tf.Tensor {
  const x = tf.tensor(standardNormals(128, { seed: 4 }), [1, 8, 8, 2])
  return [net.predict(x)].flat()[0] as tf.Tensor
}

function difference(found: tf.Tensor, expected: tf.Tensor): number {
  return tf.max(tf.abs(tf.sub(tf.reshape(found, [-1]), tf.reshape(expected, [-1])))).dataSync()[0]!
}

async function step(net: Awaited<ReturnType<typeof wrap>>): Promise<void> {
  const engine = await createTfjsEngine({ network: net })
  const images = standardNormals(128, { seed: 4 })
  const labels = Uint8Array.from({ length: 64 }, (_, voxel) => voxel % 2)
  const batch = { images, labels, batch: 1, channels: 2, spatial: [8, 8] }
  await engine.step(batch, { learningRate: 0.01, phase: 'all', samples: 2, seed: 0, stream: 0 })
}

describe('endings that are found', () => {
  const softmax = (): layers.Layer => layers.activation({ activation: 'softmax' })
  it.each([
    ['batch normalisation', () => [convolution(3), layers.batchNormalization({}), softmax()]],
    [
      'batch normalisation without scale, and no bias before it',
      () => [convolution(3, { useBias: false }), layers.batchNormalization({ scale: false }), softmax()],
    ],
    [
      'batch normalisation of a transposed convolution',
      () => [
        layers.maxPooling2d({ poolSize: 2 }),
        layers.conv2dTranspose({ filters: 3, kernelSize: 2, strides: 2 }),
        layers.batchNormalization({ center: false }),
        softmax(),
      ],
    ],
    [
      'batch normalisation of a separable convolution',
      () => [
        layers.separableConv2d({ filters: 3, kernelSize: 3, padding: 'same' } as never),
        layers.batchNormalization({}),
        layers.softmax({ axis: -1 }),
      ],
    ],
    ['rows of probabilities', () => [convolution(3), layers.reshape({ targetShape: [64, 3] }), softmax()]],
    [
      'padding and cropping',
      () => [
        layers.conv2d({ filters: 3, kernelSize: 3 }),
        layers.zeroPadding2d({ padding: 2 } as never),
        layers.cropping2D({ cropping: 1 } as never),
        softmax(),
      ],
    ],
  ] as const)('%s', async (_, last) => {
    const net = network(...last())
    const before = predict(net)
    const wrapped = await wrap(net, { classes: 3, rank: 2 })
    expect(difference(tf.softmax(predict(wrapped.model)), before)).toBeLessThan(1e-5)
  })

  it('a normalised sigmoid, as two classes', async () => {
    const net = network(
      convolution(1),
      layers.batchNormalization({}),
      layers.activation({ activation: 'sigmoid' }),
    )
    const before = predict(net)
    const wrapped = await wrap(net, { classes: 2, rank: 2 })
    const foreground = tf.slice(tf.softmax(predict(wrapped.model)), [0, 0, 0, 1])
    expect(difference(foreground, before)).toBeLessThan(1e-5)
  })

  it('one of several outputs', async () => {
    const x = input({ shape: [8, 8, 2] })
    const body = on(x, convolution(4))
    const deep = on(body, convolution(3, { name: 'deep' }))
    const final = on(body, convolution(3, { activation: 'softmax', name: 'final' }))
    const net = withWeights(model({ inputs: x, outputs: [deep, final] }))
    await expect(wrap(net, { classes: 3 })).rejects.toThrow(/outputs of the layers 'deep', 'final'.*'output'/)
    await expect(wrap(net, { classes: 3, output: 'body' })).rejects.toThrow(/expected one of 'deep', 'final'/)
    const [, before] = net.predict(tf.tensor(standardNormals(128, { seed: 4 }), [1, 8, 8, 2])) as tf.Tensor[]
    const wrapped = await wrap(net, { classes: 3, output: 'final' })
    expect(difference(tf.softmax(predict(wrapped.model)), before!)).toBeLessThan(1e-5)
  })

  it('the head of a network that was wrapped before, which goes on where it is', async () => {
    const options = { classes: 3, rank: 2 }
    const first = await wrap(network(convolution(3)), { ...options, frozen: true })
    await step(first)
    const second = await wrap(first.model, options)
    expect(second.model).toBe(first.model)
    expect(second.parameters.filter(({ trainable }) => trainable).length).toBe(8)
    await expect(wrap(first.model, { ...options, rank: 3 })).rejects.toThrow(
      /factor \(6 channels\).*9 channels/,
    )
  })
})

describe('the new head', () => {
  it('learns where all layers of the network are frozen', async () => {
    const net = network(convolution(3))
    for (const layer of net.layers) layer.trainable = false
    const wrapped = await wrap(net, { classes: 3, rank: 2 })
    const trained = wrapped.parameters.filter(({ trainable }) => trainable).map(({ name }) => name)
    expect(trained.length).toBe(6)
    expect(trained.every((name) => name.startsWith('head.'))).toBe(true)
  })

  it('is what has its name, and no other layer whose name begins alike', async () => {
    const wrapped = await wrap(network(convolution(4, { name: 'head.first' }), convolution(3)), {
      ...{ classes: 3, rank: 2, frozen: true },
    })
    const trained = wrapped.parameters.filter(({ trainable }) => trainable).map(({ name }) => name)
    expect(trained).toEqual(
      ['mean', 'logDiagonal', 'factor'].flatMap((part) => [`head.${part}.weight`, `head.${part}.bias`]),
    )
  })

  it('starts with the same small variance everywhere', async () => {
    const wrapped = await wrap(network(convolution(3)), { classes: 3, rank: 2, logDiagonalBias: -5 })
    const x = tf.tensor(standardNormals(128, { seed: 4 }), [1, 8, 8, 2])
    const [, logDiagonal, factor] = wrapped.model.predict(x) as tf.Tensor[]
    expect(new Set(logDiagonal!.dataSync())).toEqual(new Set([-5]))
    expect(new Set(factor!.dataSync()).size).toBeGreaterThan(300)
  })
})

describe('layers on the way', () => {
  it('keep the statistics of batch normalisation that is frozen, until it is not any more', async () => {
    const normalisation = layers.batchNormalization({ name: 'norm' })
    const net = network(normalisation, convolution(3))
    normalisation.trainable = false
    const statistics = (): tf.TypedArray[] =>
      normalisation.getWeights().map((weight) => weight.dataSync().slice())
    const before = statistics()
    await step(await wrap(net, { classes: 3, rank: 2 }))
    expect(statistics()).toEqual(before)
    normalisation.trainable = true
    await step(await wrap(net, { classes: 3, rank: 2 }))
    const after = statistics()
    for (const index of [0, 1, 2, 3]) expect(after[index]).not.toEqual(before[index])
  })

  it('draw the masks of dropout anew in each step', async () => {
    const spec: NetworkSpec = {
      ...{ format: 'stochseg.network', version: 1, name: 'masked', dimensions: 2 },
      inputs: [{ name: 'image', channels: 2 }],
      nodes: [{ op: 'dropout', name: 'mask', inputs: ['image'], rate: 0.5 }],
      features: 'mask',
    }
    const head = ssnHead({ classes: 2, rank: 1 })
    const built = await buildLayersModel({ spec, head, weights: initialWeights(spec, head, { seed: 0 }) })
    const wrapped = await wrap(built, { classes: 2, rank: 1 })
    const x = tf.ones([1, 8, 8, 2])
    const mean = (stream: number) => wrapped.forward(x, { seed: 0, stream }).mean.dataSync()
    expect(mean(0)).toEqual(mean(0))
    expect(mean(0)).not.toEqual(mean(1))
  })

  const separable = (): layers.Layer =>
    layers.separableConv2d({ filters: 3, kernelSize: 3, padding: 'same', depthMultiplier: 2 } as never)
  it.each([
    ['slopes of channels', () => [layers.prelu({ sharedAxes: [1, 2] }), convolution(3)]],
    ['several depthwise kernels a channel', () => [separable(), convolution(3)]],
    ['several depthwise kernels a channel at the end', () => [separable()]],
    ['layers without scale', () => [layers.layerNormalization({ scale: false }), convolution(3)]],
    ['layers without centre', () => [layers.layerNormalization({ center: false }), convolution(3)]],
    [
      'averages that reach over the border',
      () => [layers.averagePooling2d({ poolSize: 3, strides: 1, padding: 'same' }), convolution(3)],
    ],
  ])('learn: %s, of images of one size', async (_, last) => {
    const net = network(...last())
    const before = predict(net)
    const wrapped = await wrap(net, { classes: 3, rank: 2 })
    expect(difference(predict(wrapped.model), before)).toBeLessThan(1e-5)
    await step(wrapped)
    const after = predict(wrapped.model)
    expect(difference(after, before)).toBeGreaterThan(0)
    let saved: tf.io.ModelArtifacts = {}
    await wrapped.model.save(
      tf.io.withSaveHandler(async (artefacts) => {
        saved = artefacts
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }
      }),
    )
    expect(difference(predict(await loadLayersModel(tf.io.fromMemory(saved))), after)).toBe(0)
  })
})

describe('models inside models', () => {
  const inner = (name: string, modelName = `model_of_${name}`): LayersModel => {
    const x = input({ shape: [null, null, 2] })
    return model({ inputs: x, outputs: on(x, convolution(4, { name })), name: modelName })
  }
  const around = (...models: LayersModel[]): LayersModel => {
    const x = input({ shape: [8, 8, 2] })
    const joined = layers.concatenate().apply(models.map((each) => on(x, each)))
    return withWeights(model({ inputs: x, outputs: on(joined as SymbolicTensor, convolution(2)) }))
  }

  it('do not learn where they are frozen', async () => {
    // In a model of its own, whose layer does not know.
    const x = input({ shape: [null, null, 2] })
    const frozen = model({ inputs: x, outputs: on(x, inner('left')), name: 'frozen' })
    frozen.trainable = false
    const free = inner('right')
    const net = around(frozen, free)
    const kernels = (): tf.TypedArray[] =>
      [frozen, free].map((each) => each.getWeights()[0]!.dataSync().slice())
    const before = kernels()
    const wrapped = await wrap(net, { classes: 2, rank: 2 })
    await step(wrapped)
    const names = wrapped.parameters.filter(({ trainable }) => trainable).map(({ name }) => name)
    expect(names.filter((name) => !name.startsWith('head.'))).toEqual(['right.kernel', 'right.bias'])
    const [frozenAfter, freeAfter] = kernels()
    expect(frozenAfter).toEqual(before[0])
    expect(freeAfter).not.toEqual(before[1])
  })

  it('may have several inputs', async () => {
    const [a, b] = [input({ shape: [null, null, 2] }), input({ shape: [null, null, 4] })]
    const joined = layers.concatenate().apply([on(a, convolution(3)), on(b, convolution(3))])
    const both = model({ inputs: [a, b], outputs: joined as SymbolicTensor, name: 'both' })
    const x = input({ shape: [8, 8, 2] })
    const fused = both.apply([x, on(x, convolution(4))]) as SymbolicTensor
    const net = withWeights(model({ inputs: x, outputs: on(fused, convolution(2)) }))
    const before = predict(net)
    const wrapped = await wrap(net, { classes: 2, rank: 2 })
    expect(difference(predict(wrapped.model), before)).toBeLessThan(1e-5)
  })

  it('give features by the names of their layers', async () => {
    const wrapped = await wrap(around(inner('left'), inner('right')), { classes: 2, features: 'left' })
    expect(wrapped.model.layers.map(({ name }) => name)).not.toContain('right')
  })

  it('are refused where their layers have the same name', async () => {
    const net = around(inner('twin'), inner('twin', 'another'))
    await expect(wrap(net, { classes: 2 })).rejects.toThrow(/layers of two of its models called 'twin'/)
  })
})

describe('what is refused', () => {
  const classifier = (): LayersModel =>
    sequential({
      layers: [
        convolution(2, { inputShape: [8, 8, 2] }),
        layers.flatten(),
        layers.dense({ units: 64, name: 'all' }),
        layers.reshape({ targetShape: [8, 8, 1] }),
      ],
    })
  it.each([
    [classifier, {}, /the Dense layer 'all' that reads \[any, 128\], no image/],
    [
      () => network(convolution(2), layers.centerCrop({ height: 4, width: 4 } as never)),
      {},
      /CenterCrop layer/,
    ],
    [
      () => network(layers.flatten({ name: 'flat' })),
      { features: 'flat' },
      /'flat' that gives \[any, 256\], no image/,
    ],
    [
      () =>
        network(
          layers.depthwiseConv2d({ kernelSize: 3, dilationRate: 2, padding: 'same', name: 'wide' }),
          convolution(2),
        ),
      {},
      /layer 'wide'.*TF\.js 4\.22 ignores.*depthwiseDilation: true/,
    ],
    // 8 is no multiple of 3.
    [() => network(convolution(2, { strides: 3 })), {}, /an output of 3 × 3 for an image of 8 × 8/],
  ])('with the reason (%#)', async (make, options, message) => {
    const wrapping = wrap(make(), { classes: 2, ...options })
    await expect(wrapping).rejects.toThrow(ModelError)
    await expect(wrapping).rejects.toThrow(message)
  })

  it('a size that would give a larger output', async () => {
    const x = input({ shape: [null, null, 2] })
    const net = model({ inputs: x, outputs: on(x, convolution(2, { strides: 4 })) })
    const wrapped = await wrap(net, { classes: 2 })
    expect(wrapped.outputSize([8, 12])).toEqual([8, 12])
    expect(() => wrapped.outputSize([8, 9])).toThrow(ShapeError)
  })
})

it.each([true, false])('checks what learns, and no more (frozen: %s)', async (frozen) => {
  const wrapped = await wrap(network(convolution(2)), { classes: 2, rank: 1, frozen })
  // A layer whose gradient is wrong.
  const body = wrapped.model.getLayer('body')
  Object.setPrototypeOf(
    body,
    class extends (body.constructor as typeof layers.Layer) {
      override call(inputs: tf.Tensor | tf.Tensor[], kwargs: object): tf.Tensor {
        const output = super.call(inputs, kwargs) as tf.Tensor
        return tf.add(
          output,
          tf.customGrad((x) => ({ value: x as tf.Tensor, gradFunc: (dy: tf.Tensor) => dy }))(output),
        )
      }
    }.prototype,
  )
  const checked = wrapped.checkGradients()
  if (frozen) await checked
  else await expect(checked).rejects.toThrow(/'body'/)
})

it('passes on what a kernel says, though it speaks of shapes', async () => {
  const wrapped = await wrap(network(convolution(2)), { classes: 2, rank: 1 })
  const error = new OutOfMemoryError('memory', {
    found: 'no room for a tensor of shape [1,8,8,4]',
    expected: 'less than 4 GiB',
    remedy: 'Take a smaller batch',
  })
  wrapped.model.getLayer('body').call = () => {
    throw error
  }
  expect(() => wrapped.forward(tf.zeros([1, 8, 8, 2]))).toThrow(error)
})
