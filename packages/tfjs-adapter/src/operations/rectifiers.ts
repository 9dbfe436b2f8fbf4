// ReLU, leaky ReLU and PReLU with one slope, with gradients by a kernel where the backend has one.
import * as tf from '@tensorflow/tfjs-core'

/**
 * Name under which a backend may have the gradient as a kernel of dy, x and slope, one value: it gives dx, which is dy where
 * x > 0 and else slope · dy, and the slope's gradient, Σ dy · x where x ≤ 0.
 */
export const LEAKY_GRADIENT = 'StochsegLeakyGradient'

/** max(x, 0) + slope · min(x, 0), of a fixed slope ≥ 0. */
export function rectifier(x: tf.Tensor, slope: number): tf.Tensor {
  const operation = tf.customGrad((...args) => {
    const [input, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc]
    const value = slope === 0 ? tf.relu(input) : tf.leakyRelu(input, slope)
    // The output has the input's sign, and the next layer keeps it anyway.
    save([value])
    return { value, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => masked(dy, saved[0]!, slope) }
  })
  return operation(x)
}

/** A PReLU with one slope for all, of shape `[1]`. */
export function prelu(x: tf.Tensor, slope: tf.Tensor): tf.Tensor {
  if (!hasKernel()) return tf.prelu(x, slope)
  const operation = tf.customGrad((...args) => {
    const [input, factor, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc]
    save([input, factor])
    return {
      value: tf.prelu(input, factor),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => leakyGradient(dy, saved[0]!, saved[1]!),
    }
  })
  return operation(x, slope)
}

function masked(dy: tf.Tensor, output: tf.Tensor, slope: number): tf.Tensor {
  return tf.tidy(() =>
    hasKernel()
      ? leakyGradient(dy, output, tf.tensor1d([slope]))[0]!
      : tf.where(tf.greater(output, 0), dy, tf.mul(dy, slope)),
  )
}

function leakyGradient(dy: tf.Tensor, x: tf.Tensor, slope: tf.Tensor): tf.Tensor[] {
  const inputs = { dy, x, slope } as unknown as tf.NamedTensorMap
  return tf.engine().runKernel(LEAKY_GRADIENT, inputs) as tf.Tensor[]
}

function hasKernel(): boolean {
  return tf.getKernel(LEAKY_GRADIENT, tf.getBackend()) !== undefined
}
