// Dropout whose masks follow from a key: nothing is stored, the gradient is dropout with the same key.
import * as tf from '@tensorflow/tfjs-core'

/** Name under which a backend may have the operation as a kernel of x, with the attributes below. */
export const DROPOUT = 'StochsegDropout'

export interface DropoutAttributes {
  /** Probability of 0, in [0, 1). */
  readonly rate: number
  readonly key: string
}

/** Sets values to 0 with probability `rate`, scales the others by 1 / (1 − rate). The same key gives the same mask. */
export function dropout(x: tf.Tensor, attributes: DropoutAttributes): tf.Tensor {
  if (tf.getKernel(DROPOUT, tf.getBackend()) === undefined) {
    return tf.dropout(x, attributes.rate, undefined, attributes.key)
  }
  const masked = (tensor: tf.Tensor): tf.Tensor =>
    tf.engine().runKernel(DROPOUT, { x: tensor }, attributes as unknown as tf.NamedAttrMap)
  const operation = tf.customGrad((input) => ({
    value: masked(input as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => masked(dy),
  }))
  return operation(x)
}
