// Every d-th voxel as an image of its own: a dilated convolution is a plain one of each of these phases. That way it has
// the gradient that TF.js lacks (3D) or has wrong (2D), and all speed of plain convolutions.
import * as tf from '@tensorflow/tfjs-core'
import type { ConvolutionGeometry } from './convolution-geometry'

/** `[N, *S, C]` to `[∏ step · N, *(S / step), C]`, the phases first along the batch; lengths must divide. */
export function splitPhases(x: tf.Tensor, step: readonly number[]): tf.Tensor {
  return step.reduce((tensor, times, axis) => {
    if (times === 1) return tensor
    const [batch, ...sizes] = tensor.shape as [number, ...number[]]
    const outer = batch * product(sizes.slice(0, axis))
    const length = sizes[axis]! / times
    const rows = tf.reshape(tensor, [outer, length, times, product(sizes.slice(axis + 1))])
    const shape = [batch * times, ...sizes.map((size, index) => (index === axis ? length : size))]
    return tf.reshape(tf.transpose(rows, [2, 0, 1, 3]), shape)
  }, x)
}

/** The inverse of {@link splitPhases}. */
export function joinPhases(x: tf.Tensor, step: readonly number[]): tf.Tensor {
  return step.reduceRight((tensor, times, axis) => {
    if (times === 1) return tensor
    const [batch, ...sizes] = tensor.shape as [number, ...number[]]
    const outer = (batch / times) * product(sizes.slice(0, axis))
    const rows = tf.reshape(tensor, [times, outer, sizes[axis]!, product(sizes.slice(axis + 1))])
    const shape = [batch / times, ...sizes.map((size, index) => (index === axis ? size * times : size))]
    return tf.reshape(tf.transpose(rows, [1, 2, 0, 3]), shape)
  }, x)
}

/**
 * Zeros around image and output of a dilated convolution of stride 1 that make the phases of each equally long, and the output
 * all that the image gives.
 */
export function phasePadding({ inputSize, outputSize, kernel, dilation, padBefore }: ConvolutionGeometry): {
  readonly image: readonly [number, number][]
  readonly output: readonly [number, number][]
} {
  const axes = kernel.map((taps, axis) => {
    const step = dilation[axis]!
    const before = padBefore[axis]!
    const seen = Math.max(outputSize[axis]! + (taps - 1) * step, inputSize[axis]! + before)
    const length = Math.ceil(seen / step) * step
    return {
      before,
      after: length - inputSize[axis]! - before,
      rest: length - (taps - 1) * step - outputSize[axis]!,
    }
  })
  return {
    image: axes.map(({ before, after }) => [before, after]),
    output: axes.map(({ rest }) => [0, rest]),
  }
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((all, length) => all * length, 1)
}
