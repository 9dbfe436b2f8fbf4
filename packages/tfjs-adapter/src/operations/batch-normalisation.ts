// Batch normalisation of a batch by its own statistics, with its gradient written out: Ioffe & Szegedy 2015.
import * as tf from '@tensorflow/tfjs-core'

/** Statistics of each channel over batch and voxels; the variance is the biased one. */
export interface BatchStatistics {
  readonly mean: tf.Tensor1D
  readonly variance: tf.Tensor1D
}

/**
 * y = (x − mean) / √(variance + epsilon) · scale + bias over the last axis, differentiable in x, scale and bias.
 *
 * @param x `[N, *S, C]`
 * @param scale `[C]`
 * @param bias `[C]`
 * @param onStatistics is called in the forward pass; its tensors are only valid during the call.
 */
export function batchNormalisation(
  x: tf.Tensor,
  scale: tf.Tensor1D,
  bias: tf.Tensor1D,
  epsilon: number,
  onStatistics: (statistics: BatchStatistics) => void,
): tf.Tensor {
  const operation = tf.customGrad((...inputs) => {
    const [input, gamma, beta, save] = inputs as [tf.Tensor, tf.Tensor1D, tf.Tensor1D, tf.GradSaveFunc]
    const channels = gamma.size
    const flat = tf.reshape(input, [-1, channels]) as tf.Tensor2D
    const count = flat.shape[0]
    const mean = tf.div(tf.sum(flat, 0), count) as tf.Tensor1D
    const centred = tf.sub(flat, mean) as tf.Tensor2D
    const variance = tf.div(tf.sum(tf.square(centred), 0), count) as tf.Tensor1D
    onStatistics({ mean, variance })
    const inverse = tf.rsqrt(tf.add(variance, epsilon)) as tf.Tensor1D
    const value = tf.reshape(tf.add(tf.mul(centred, tf.mul(inverse, gamma)), beta), input.shape)
    save([centred, inverse, gamma])

    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [c, i, g] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor1D]
        const upstream = tf.reshape(dy, c.shape) as tf.Tensor2D
        const biasGradient = tf.sum(upstream, 0)
        const scaleGradient = tf.mul(tf.sum(tf.mul(upstream, c), 0), i)
        // dx = scale/σ · (dy − mean(dy) − x̂ · mean(dy·x̂)) with x̂ = centred/σ.
        const slope = tf.div(tf.mul(scaleGradient, i), -count)
        const offset = tf.div(biasGradient, -count)
        const inner = tf.add(tf.add(upstream, offset), tf.mul(c, slope))
        return [tf.reshape(tf.mul(inner, tf.mul(g, i)), dy.shape), scaleGradient, biasGradient]
      },
    }
  })
  return operation(x, scale, bias)
}
