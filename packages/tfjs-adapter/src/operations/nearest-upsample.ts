// Nearest-neighbour up-sampling by whole factors, in 2D or 3D; its gradient is the sum over each block.
import * as tf from '@tensorflow/tfjs-core'

/** Name under which a backend may have the repetition of rows as a kernel. */
export const REPEAT = 'StochsegRepeat'

/** Repeats every voxel of `[N, *S, C]` `factor` times along each axis. */
export function nearestUpsample(x: tf.Tensor, factor: readonly number[]): tf.Tensor {
  // A custom gradient around a function that gives its argument back would be counted twice.
  if (factor.every((times) => times === 1)) return tf.clone(x)
  const operation = tf.customGrad((input) => ({
    value: repeatVoxels(input as tf.Tensor, factor),
    gradFunc: (dy: tf.Tensor) => sumBlocks(dy, factor),
  }))
  return operation(x)
}

/** {@link nearestUpsample} without a gradient. */
export function repeatVoxels(x: tf.Tensor, factor: readonly number[]): tf.Tensor {
  return tf.tidy(() =>
    factor.reduce((tensor, times, axis) => {
      if (times === 1) return tensor
      const shape = tensor.shape.slice()
      const inner = product(shape.slice(axis + 2))
      shape[axis + 1]! *= times
      return tf.reshape(repeat(tf.reshape(tensor, [-1, inner]), times), shape)
    }, x),
  )
}

/** Each row of `[rows, inner]` `times` times: `[rows, times · inner]`. */
function repeat(rows: tf.Tensor, times: number): tf.Tensor {
  if (tf.getKernel(REPEAT, tf.getBackend()) === undefined) return tf.tile(rows, [1, times])
  return tf.engine().runKernel(REPEAT, { x: rows }, { times })
}

/** Sum over blocks of `factor` voxels: `[N, *S, C]` to `[N, *(S / factor), C]`. */
export function sumBlocks(x: tf.Tensor, factor: readonly number[]): tf.Tensor {
  return tf.tidy(() =>
    factor.reduce((tensor, times, axis) => {
      if (times === 1) return tensor
      const shape = tensor.shape.slice()
      const inner = product(shape.slice(axis + 2))
      shape[axis + 1]! /= times
      const blocks = tf.reshape(tensor, [-1, times, inner])
      const parts = tf.split(blocks, times, 1)
      return tf.reshape(tf.addN(parts), shape)
    }, x),
  )
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((all, length) => all * length, 1)
}
