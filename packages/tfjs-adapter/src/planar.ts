// Between planar arrays `[N, C, *S]`, in which data crosses packages, and TF.js' tensors `[N, *S, C]`.
import * as tf from '@tensorflow/tfjs-core'

/** A planar array as a channels-last tensor. */
export function fromPlanar(data: Float32Array, shape: readonly number[]): tf.Tensor {
  return tf.tidy(() => {
    const [batch, channels, ...spatial] = shape as [number, number, ...number[]]
    if (channels === 1) return tf.tensor(data, [batch, ...spatial, 1])
    const axes = spatial.map((_, axis) => axis + 2)
    return tf.transpose(tf.tensor(data, [...shape]), [0, ...axes, 1])
  })
}

/** The axes of a channels-last tensor as a planar one, `[N, C, *S]`. */
export function toPlanar(tensor: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const [batch, ...rest] = tensor.shape as [number, ...number[]]
    const channels = rest.pop()!
    if (channels === 1) return tf.reshape(tensor, [batch, 1, ...rest])
    const axes = rest.map((_, axis) => axis + 1)
    return tf.transpose(tensor, [0, rest.length + 1, ...axes])
  })
}
