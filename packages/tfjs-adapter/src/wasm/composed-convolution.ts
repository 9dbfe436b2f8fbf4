// Gradients of 2D and 3D convolutions from operations that every backend has: strided slices, products of matrices and
// a forward convolution. Any stride; layouts are TF.js' own, x [N, *S, in] and filter [*kernel, in, out].
import * as tf from '@tensorflow/tfjs-core'
import type { ConvolutionGeometry } from '../operations/convolution-geometry'
import { spreadZeros } from '../operations/every-nth'

/**
 * Gradient with respect to the filter: for each kernel offset, (input seen at that offset)ᵀ · dy.
 *
 * @param x `[N, *inputSize, in]`
 * @param dy `[N, *outputSize, out]`
 * @returns `[*kernel, in, out]`
 */
export function composedFilterGradient(
  x: tf.Tensor,
  dy: tf.Tensor,
  geometry: ConvolutionGeometry,
): tf.Tensor {
  const { kernel, stride, outputSize } = geometry
  const batch = x.shape[0]!
  const inputChannels = x.shape.at(-1)!
  const outputChannels = dy.shape.at(-1)!
  const pixels = dy.size / outputChannels
  const padded = tf.pad(x, [[0, 0], ...forwardPadding(geometry), [0, 0]])
  const gradients = tf.reshape(dy, [pixels, outputChannels])
  const products = offsets(kernel).map((offset) => {
    const end = offset.map((start, axis) => start + (outputSize[axis]! - 1) * stride[axis]! + 1)
    const seen = tf.stridedSlice(padded, [0, ...offset, 0], [batch, ...end, inputChannels], [1, ...stride, 1])
    return tf.matMul(tf.transpose(tf.reshape(seen, [pixels, inputChannels])), gradients)
  })
  return tf.reshape(tf.concat(products, 0), [...kernel, inputChannels, outputChannels])
}

/**
 * Gradient with respect to the input: the filter, turned round, runs over dy with zeros between and around its values.
 *
 * @param dy `[N, *outputSize, out]`
 * @param filter `[*kernel, in, out]`
 * @returns `[N, *inputSize, in]`
 */
export function composedInputGradient(
  dy: tf.Tensor,
  filter: tf.Tensor,
  geometry: ConvolutionGeometry,
): tf.Tensor {
  const { kernel, stride, inputSize, outputSize, padBefore } = geometry
  const axes = kernel.map((_, axis) => axis)
  const spread = axes.reduce((tensor, axis) => spreadZeros(tensor, axis + 1, stride[axis]!), dy)
  const around = axes.map((axis): [number, number] => {
    const before = kernel[axis]! - 1 - padBefore[axis]!
    const length = (outputSize[axis]! - 1) * stride[axis]! + 1
    return [before, inputSize[axis]! + kernel[axis]! - 1 - before - length]
  })
  const turned = tf.transpose(turnRound(filter, axes.length), [...axes, axes.length + 1, axes.length])
  if (kernel.length === 2 && around.flat().every((amount) => amount >= 0)) {
    const [vertical, horizontal] = around as [[number, number], [number, number]]
    const pad: tf.backend_util.ExplicitPadding = [[0, 0], vertical, horizontal, [0, 0]]
    return tf.conv2d(spread as tf.Tensor4D, turned as tf.Tensor4D, 1, pad)
  }
  // A negative amount means that the forward padding reached beyond the kernel: crop instead.
  const padded = padOrCrop(spread, around)
  return kernel.length === 2
    ? tf.conv2d(padded as tf.Tensor4D, turned as tf.Tensor4D, 1, 'valid')
    : tf.conv3d(padded as tf.Tensor5D, turned as tf.Tensor5D, 1, 'valid')
}

function padOrCrop(tensor: tf.Tensor, around: [before: number, after: number][]): tf.Tensor {
  const grow = around.map(([before, after]): [number, number] => [Math.max(before, 0), Math.max(after, 0)])
  const padded = tf.pad(tensor, [[0, 0], ...grow, [0, 0]])
  if (around.every(([before, after]) => before >= 0 && after >= 0)) return padded
  const begin = around.map(([before]) => Math.max(-before, 0))
  const size = around.map(
    ([before, after], axis) => padded.shape[axis + 1]! + Math.min(before, 0) + Math.min(after, 0),
  )
  return tf.slice(padded, [0, ...begin, 0], [padded.shape[0]!, ...size, padded.shape.at(-1)!])
}

/** Reverses a filter's spatial axes: the same as reversing its offsets as one list. */
function turnRound(filter: tf.Tensor, dimensions: number): tf.Tensor {
  const list = tf.unstack(tf.reshape(filter, [-1, ...filter.shape.slice(dimensions)]))
  return tf.reshape(tf.stack(list.reverse()), filter.shape)
}

/** Zeros before and after the input that the convolution reads, along each axis. */
export function forwardPadding(geometry: ConvolutionGeometry): [before: number, after: number][] {
  const { inputSize, outputSize, kernel, stride, padBefore } = geometry
  return inputSize.map((size, axis) => {
    const reach = (outputSize[axis]! - 1) * stride[axis]! + kernel[axis]!
    return [padBefore[axis]!, Math.max(reach - size - padBefore[axis]!, 0)]
  })
}

/** Every index into an array of this shape, the last axis fastest. */
export function offsets(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (prefixes, length) =>
      prefixes.flatMap((prefix) => Array.from({ length }, (_, index) => [...prefix, index])),
    [[]],
  )
}
