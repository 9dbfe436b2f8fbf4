// 3D convolutions as sums of 2D ones over the kernel's depth: TF.js' wasm kernel for volumes is scalar.
import * as tf from '@tensorflow/tfjs-core'
import { type ConvolutionGeometry, forwardPadding } from '../operations/convolution-geometry'

/**
 * A convolution of stride and dilation 1.
 *
 * @param x `[N, *inputSize, in]`
 * @param filter `[*kernel, in, out]`
 * @returns `[N, *outputSize, out]`
 */
export function volumeConvolution(x: tf.Tensor, filter: tf.Tensor, geometry: ConvolutionGeometry): tf.Tensor {
  const depth = geometry.outputSize[0]!
  const padding = forwardPadding(geometry)
  const padded = padding.flat().every((amount) => amount === 0) ? x : tf.pad(x, [[0, 0], ...padding, [0, 0]])
  const [batch, , height, width, inputs] = padded.shape as [number, number, number, number, number]
  const [layers, ...layer] = filter.shape as [number, number, number, number, number]
  const parts = Array.from({ length: layers }, (_, offset): tf.Tensor => {
    const planes = tf.slice(padded, [0, offset, 0, 0, 0], [batch, depth, height, width, inputs])
    const weights = tf.slice(filter, [offset, 0, 0, 0, 0], [1, ...layer])
    const images = tf.reshape<tf.Rank.R4>(planes, [batch * depth, height, width, inputs])
    return tf.conv2d(images, tf.reshape<tf.Rank.R4>(weights, layer), 1, 'valid')
  })
  const sum = parts.reduce((total, part) => tf.add(total, part))
  return tf.reshape(sum, [batch, ...geometry.outputSize, layer[3]])
}
