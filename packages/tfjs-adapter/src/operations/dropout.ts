// Dropout whose masks follow from a key: nothing is stored, the gradient is dropout with the same key.
import * as tf from '@tensorflow/tfjs-core'

/** Name under which a backend may have the operation as a kernel of x, with the attributes below. */
export const DROPOUT = 'StochsegDropout'

export interface DropoutAttributes {
  /** Probability of 0, in [0, 1). */
  readonly rate: number
  readonly key: string
}

/** Sets values to 0 with probability `rate`, scales the others by 1 / (1 − rate). The same key gives the same mask everywhere. */
export function dropout(x: tf.Tensor, attributes: DropoutAttributes): tf.Tensor {
  if (tf.getKernel(DROPOUT, tf.getBackend()) === undefined) return composedDropout(x, attributes)
  const masked = (tensor: tf.Tensor): tf.Tensor =>
    tf.engine().runKernel(DROPOUT, { x: tensor }, attributes as unknown as tf.NamedAttrMap)
  const operation = tf.customGrad((input) => ({
    value: masked(input as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => masked(dy),
  }))
  return operation(x)
}

/** {@link dropout} on any backend, with a mask that is drawn here. */
export function composedDropout(x: tf.Tensor, { rate, key }: DropoutAttributes): tf.Tensor {
  const [seed, threshold, scale] = [hash(key), Math.round(rate * 2 ** 32), 1 / (1 - rate)]
  const mask = new Float32Array(x.size)
  for (let index = 0; index < mask.length; index++) {
    mask[index] = mixed(mixed(index) ^ seed) >>> 0 >= threshold ? scale : 0
  }
  return tf.tidy(() => tf.mul(x, tf.tensor(mask, x.shape)))
}

/** FNV-1a of a text, 32 bits. */
export function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  return value
}

/** A bijection of 32 bits, the twin of that in assembly/elementwise.ts. */
function mixed(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x21f0aaad)
  bits = Math.imul(bits ^ (bits >>> 15), 0xd35a2d97)
  return bits ^ (bits >>> 15)
}
