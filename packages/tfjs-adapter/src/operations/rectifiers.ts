// ReLU, leaky ReLU and PReLU with one slope, with gradients by a kernel where the backend has one.
import * as tf from '@tensorflow/tfjs-core'

/** Name under which a backend may have dx as a kernel of dy and x, attribute `slope`: dy where x > 0, else slope · dy. */
export const RECTIFIER_GRADIENT = 'StochsegRectifierGradient'
/** The same of dy, x and slope, one value: gives dx and the slope's gradient, Σ dy · x where x ≤ 0. */
export const PRELU_GRADIENT = 'StochsegPreluGradient'

/** max(x, 0) + slope · min(x, 0), of a fixed slope. */
export function rectifier(x: tf.Tensor, slope: number): tf.Tensor {
  const operation = tf.customGrad((...args) => {
    const [input, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc]
    const value = slope === 0 ? tf.relu(input) : tf.leakyRelu(input, slope)
    // Of a slope ≥ 0 the output has the input's sign, and the next layer keeps it anyway.
    save([slope < 0 ? input : value])
    return { value, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => masked(dy, saved[0]!, slope) }
  })
  return operation(x)
}

/** A PReLU with one slope for all, of shape `[1]`. */
export function prelu(x: tf.Tensor, slope: tf.Tensor): tf.Tensor {
  if (!hasKernel(PRELU_GRADIENT)) return tf.prelu(x, slope)
  const operation = tf.customGrad((...args) => {
    const [input, factor, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc]
    const value = tf.prelu(input, factor)
    save([input, factor])
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        tf.engine().runKernel(PRELU_GRADIENT, { dy, x: saved[0]!, slope: saved[1]! }) as tf.Tensor[],
    }
  })
  return operation(x, slope)
}

/** @param x the input, or anything of its sign. */
function masked(dy: tf.Tensor, x: tf.Tensor, slope: number): tf.Tensor {
  if (hasKernel(RECTIFIER_GRADIENT)) {
    return tf.engine().runKernel(RECTIFIER_GRADIENT, { dy, x }, { slope })
  }
  return tf.tidy(() => tf.where(tf.greater(x, 0), dy, tf.mul(dy, slope)))
}

function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined
}
