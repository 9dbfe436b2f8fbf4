// Every n-th voxel along each axis, with the gradient that TF.js' strided slice lacks.
import * as tf from '@tensorflow/tfjs-core'

/** Voxels `start`, `start + step`, … of `[N, *S, C]` along each axis. */
export function everyNth(x: tf.Tensor, start: readonly number[], step: readonly number[]): tf.Tensor {
  const operation = tf.customGrad((input) => {
    const tensor = input as tf.Tensor
    return {
      value: tf.stridedSlice(tensor, [0, ...start, 0], tensor.shape, [1, ...step, 1]),
      gradFunc: (dy: tf.Tensor) => {
        const spread = step.reduce((result, stride, axis) => spreadZeros(result, axis + 1, stride), dy)
        const around = start.map((before, axis): [number, number] => [
          before,
          tensor.shape[axis + 1]! - before - spread.shape[axis + 1]!,
        ])
        return tf.pad(spread, [[0, 0], ...around, [0, 0]])
      },
    }
  })
  return operation(x)
}

/** `stride − 1` zeros between neighbours along `axis`. */
export function spreadZeros(tensor: tf.Tensor, axis: number, stride: number): tf.Tensor {
  if (stride === 1) return tensor
  const length = tensor.shape[axis]!
  const [before, after] = [tensor.shape.slice(0, axis), tensor.shape.slice(axis + 1)]
  const rest = after.reduce((product, size) => product * size, 1)
  const rows = tf.reshape(tensor, [-1, 1, rest])
  const spread = tf.reshape(
    tf.pad(rows, [
      [0, 0],
      [0, stride - 1],
      [0, 0],
    ]),
    [...before, length * stride, ...after],
  )
  const size = spread.shape.map((full, index) => (index === axis ? full - (stride - 1) : full))
  return tf.slice(
    spread,
    size.map(() => 0),
    size,
  )
}
