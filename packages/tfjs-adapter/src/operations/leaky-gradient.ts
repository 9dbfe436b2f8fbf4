// The gradients of ReLU and of PReLU with one slope: by a kernel where the backend has one.
import * as tf from '@tensorflow/tfjs-core'

/** Name under which a backend may have the gradient as a kernel of dy, x and slope: it gives dx and the slope's. */
export const LEAKY_GRADIENT = 'StochsegLeakyGradient'

/** A PReLU with one slope for all, of any shape of one value. */
export function leaky(x: tf.Tensor, slope: tf.Tensor): tf.Tensor {
  if (tf.getKernel(LEAKY_GRADIENT, tf.getBackend()) === undefined) return tf.prelu(x, slope)
  const operation = tf.customGrad((...args) => {
    const save = args.pop() as tf.GradSaveFunc
    const [input, factor] = args as [tf.Tensor, tf.Tensor]
    save([input, factor])
    return {
      value: tf.prelu(input, factor),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const inputs = { dy, x: saved[0]!, slope: saved[1]! }
        return tf.engine().runKernel(LEAKY_GRADIENT, inputs as unknown as tf.NamedTensorMap) as tf.Tensor[]
      },
    }
  })
  return operation(x, slope)
}
