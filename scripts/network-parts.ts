// What networks of TF.js layers are put together from, and weights for them: for tests.
import { standardNormals } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { input, type LayersModel, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers'

/** A part of a network. */
export type Build = (x: SymbolicTensor) => SymbolicTensor

/** What a layer gives for tensors. */
export const on = (layer: layers.Layer, ...inputs: SymbolicTensor[]): SymbolicTensor =>
  layer.apply(inputs.length === 1 ? inputs[0]! : inputs) as SymbolicTensor

/** What layers and parts give one after another. */
export const chain = (x: SymbolicTensor, ...list: (layers.Layer | Build)[]): SymbolicTensor =>
  list.reduce((tensor, step) => (typeof step === 'function' ? step(tensor) : on(step, tensor)), x)

/** A convolution that keeps the size. */
export const conv = (filters: number, kernelSize = 3, more: object = {}): layers.Layer =>
  layers.conv2d({ filters, kernelSize, padding: 'same', ...more })

export const pointwise = (filters: number, more: object = {}): layers.Layer => conv(filters, 1, more)

export const normalise = (more: object = {}): layers.Layer =>
  layers.batchNormalization({ momentum: 0.9, ...more })

export const relu6 = (): layers.Layer => layers.reLU({ maxValue: 6 })

export const relu = (): layers.Layer => layers.activation({ activation: 'relu' })

/** MobileNetV2's: expand, depthwise, project, with a residual where the shape allows. */
export const invertedResidual =
  (filters: number, { stride = 1, dilation = 1 }: { stride?: number; dilation?: number } = {}): Build =>
  (x) => {
    const channels = x.shape.at(-1)!
    const depthwise =
      stride === 1
        ? [
            layers.depthwiseConv2d({
              kernelSize: 3,
              padding: 'same',
              dilationRate: dilation,
              useBias: false,
            } as never),
          ]
        : // As Keras' applications do it: zeros first, then a valid convolution.
          [
            layers.zeroPadding2d({
              padding: [
                [0, 1],
                [0, 1],
              ],
            } as never),
            layers.depthwiseConv2d({
              kernelSize: 3,
              padding: 'valid',
              strides: stride,
              useBias: false,
            } as never),
          ]
    const y = chain(
      x,
      ...[pointwise(2 * channels, { useBias: false }), normalise(), relu6()],
      ...[...depthwise, normalise(), relu6()],
      ...[pointwise(filters, { useBias: false }), normalise()],
    )
    return stride === 1 && channels === filters ? on(layers.add(), x, y) : y
  }

/** An encoder of output stride 4. */
export const mobilenet: readonly Build[] = [
  (x) => chain(x, conv(4, 3, { strides: 2, useBias: false }), normalise(), relu6()),
  invertedResidual(6, { stride: 2 }),
  invertedResidual(6),
  invertedResidual(8, { dilation: 2 }),
  invertedResidual(8, { dilation: 2 }),
]

/** DeepLab's pyramid: 1×1, dilated 3×3, and the pooled image, which `size` brings back to the features' size. */
export const pyramid =
  (size: [number, number]): Build =>
  (x) => {
    const block =
      (layer: layers.Layer): Build =>
      (y) =>
        chain(y, layer, normalise(), relu())
    const pooled = chain(
      x,
      layers.averagePooling2d({ poolSize: size }),
      block(pointwise(6)),
      layers.upSampling2d({ size, interpolation: 'bilinear' }),
    )
    const dilated = [1, 2, 3].map((rate) => block(conv(6, 3, { dilationRate: rate, useBias: false }))(x))
    const joined = on(layers.concatenate(), pooled, block(pointwise(6))(x), ...dilated)
    return chain(joined, block(pointwise(8)), layers.dropout({ rate: 0.1, seed: 1 }))
  }

/** An input of images; null for lengths that are free. */
export function images(...shape: (number | null)[]): SymbolicTensor {
  return input({ shape })
}

/** A model of one input and one output. */
export function functional(x: SymbolicTensor, build: Build, name?: string): LayersModel {
  return model({ inputs: x, outputs: build(x), ...(name === undefined ? {} : { name }) })
}

/** Sets all weights from a seed: He-normal kernels, biases and scales near their usual values. */
export function withWeights(network: LayersModel, seed = 0): LayersModel {
  const values = network.weights.map((weight, stream) => {
    const shape = weight.shape as number[]
    const normals = standardNormals(tf.util.sizeFromShape(shape), { seed, stream })
    const fan = shape.length > 1 ? Math.max(1, tf.util.sizeFromShape(shape.slice(0, -1))) : 1
    const positive = /gamma|variance/.test(weight.originalName)
    const change = shape.length > 1 ? Math.sqrt(2 / fan) : 0.2
    return tf.tensor(
      normals.map((value) => (positive ? Math.exp(change * value) : change * value)),
      shape,
    )
  })
  network.setWeights(values)
  tf.dispose(values)
  return network
}
