// Linear up-sampling in 2D or 3D with its gradient. (TF.js' own bilinear gradient ignores half-pixel centres.)
import * as tf from '@tensorflow/tfjs-core'
import { interpolate } from './interpolation'

/** Up-samples `[N, *S, C]` by a whole factor along each axis: half-pixel centres, clamped at the border. */
export function linearUpsample(x: tf.Tensor, factor: readonly number[]): tf.Tensor {
  // A custom gradient around a function that gives its argument back would be counted twice.
  if (factor.every((times) => times === 1)) return tf.clone(x)
  const sizes = x.shape.slice(1, -1)
  const alongEachAxis = (tensor: tf.Tensor, transposed: boolean): tf.Tensor =>
    tf.tidy(() =>
      factor.reduce(
        (result, times, axis) =>
          times === 1
            ? result
            : interpolate(result, { axis: axis + 1, size: sizes[axis]!, factor: times, transposed }),
        tensor,
      ),
    )
  const operation = tf.customGrad((input) => ({
    value: alongEachAxis(input as tf.Tensor, false),
    gradFunc: (dy: tf.Tensor) => alongEachAxis(dy, true),
  }))
  return operation(x)
}
