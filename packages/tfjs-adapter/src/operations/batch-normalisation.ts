// Batch normalisation of a batch by its own statistics, with its gradient written out: Ioffe & Szegedy 2015.
import * as tf from '@tensorflow/tfjs-core'
import { normalise, normaliseGradient } from './normalisation'

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
  const operation = tf.customGrad((...args) => {
    const save = args.pop() as tf.GradSaveFunc
    const inputs = args as [tf.Tensor, tf.Tensor1D, tf.Tensor1D]
    const [value, mean, variance] = normalise(...inputs, epsilon)
    onStatistics({ mean, variance })
    save([inputs[0], inputs[1], mean, variance])
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        normaliseGradient(dy, ...(saved as [tf.Tensor, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D]), epsilon),
    }
  })
  return operation(x, scale, bias)
}
