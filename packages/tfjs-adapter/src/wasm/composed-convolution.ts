// Gradients of 2D and 3D convolutions from operations that every backend has: strided slices, products of matrices and
// a forward convolution. Any stride; layouts are TF.js' own, x [N, *S, in] and filter [*kernel, in, out].
import * as tf from '@tensorflow/tfjs-core'
import { type ConvolutionGeometry, forwardPadding } from '../operations/convolution-geometry'
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
  const { kernel } = geometry
  const inputChannels = x.shape.at(-1)!
  const outputChannels = dy.shape.at(-1)!
  const pixels = dy.size / outputChannels
  const padded = tf.pad(x, [[0, 0], ...forwardPadding(geometry), [0, 0]])
  const gradients = tf.reshape(dy, [pixels, outputChannels])
  const products = offsets(kernel).map((offset) => {
    const seen = seenAt(padded, offset, geometry)
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
  const axes = geometry.kernel.map((_, axis) => axis)
  const turned = tf.transpose(turnRound(filter, axes.length), [...axes, axes.length + 1, axes.length])
  const { spread, around } = spreadOutput(dy, geometry)
  if (axes.length === 2 && around.flat().every((amount) => amount >= 0)) {
    const [vertical, horizontal] = around as [[number, number], [number, number]]
    const pad: tf.backend_util.ExplicitPadding = [[0, 0], vertical, horizontal, [0, 0]]
    return tf.conv2d(spread as tf.Tensor4D, turned as tf.Tensor4D, 1, pad)
  }
  const padded = padOrCrop(spread, around)
  return axes.length === 2
    ? tf.conv2d(padded as tf.Tensor4D, turned as tf.Tensor4D, 1, 'valid')
    : tf.conv3d(padded as tf.Tensor5D, turned as tf.Tensor5D, 1, 'valid')
}

/** dy with the zeros between its values, and the number of those around it, that a turned filter runs over. */
export function spreadOutput(
  dy: tf.Tensor,
  geometry: ConvolutionGeometry,
): { readonly spread: tf.Tensor; readonly around: [before: number, after: number][] } {
  const { kernel, stride, inputSize, outputSize, padBefore } = geometry
  const spread = stride.reduce((tensor, step, axis) => spreadZeros(tensor, axis + 1, step), dy)
  const around = kernel.map((taps, axis): [number, number] => {
    const before = taps - 1 - padBefore[axis]!
    const length = (outputSize[axis]! - 1) * stride[axis]! + 1
    return [before, inputSize[axis]! + taps - 1 - before - length]
  })
  return { spread, around }
}

/** Zeros around a tensor; a negative amount crops: the forward padding then reached beyond the kernel. */
export function padOrCrop(tensor: tf.Tensor, around: [before: number, after: number][]): tf.Tensor {
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
export function turnRound(filter: tf.Tensor, dimensions: number): tf.Tensor {
  const list = tf.unstack(tf.reshape(filter, [-1, ...filter.shape.slice(dimensions)]))
  return tf.reshape(tf.stack(list.reverse()), filter.shape)
}

/** What all windows see at an offset in theirs, `[N, *outputSize, in]`, of an input that is padded. */
export function seenAt(
  padded: tf.Tensor,
  offset: readonly number[],
  { outputSize, stride }: ConvolutionGeometry,
): tf.Tensor {
  const end = offset.map((start, axis) => start + (outputSize[axis]! - 1) * stride[axis]! + 1)
  const [batch, channels] = [padded.shape[0]!, padded.shape.at(-1)!]
  return tf.stridedSlice(padded, [0, ...offset, 0], [batch, ...end, channels], [1, ...stride, 1])
}

/** Every index into an array of this shape, the last axis fastest. */
export function offsets(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (prefixes, length) =>
      prefixes.flatMap((prefix) => Array.from({ length }, (_, index) => [...prefix, index])),
    [[]],
  )
}
