// The gradient of transposed 3D convolutions, which TF.js lacks on every backend.
import * as tf from '@tensorflow/tfjs-core'
import type { layers } from '@tensorflow/tfjs-layers'

/** Makes the gradient known to TF.js that a transposed 3D convolution needs; for any other layer does nothing. */
export function makeTranspositionTrainable(layer: layers.Layer): void {
  if (layer.getClassName() !== 'Conv3DTranspose' || tf.getGradient(tf.Conv3DBackpropInputV2)) return
  tf.registerGradient({
    kernelName: tf.Conv3DBackpropInputV2,
    inputsToSave: ['dy', 'filter'],
    gradFunc: (gradient, saved, attrs) => {
      const [x, filter] = saved as [tf.Tensor5D, tf.Tensor5D]
      const { strides, pad } = attrs as unknown as tf.Conv3DBackpropInputV2Attrs
      const output = gradient as tf.Tensor5D
      // What the forward pass calls dy is the transposed convolution's input.
      return {
        dy: () => tf.conv3d(output, filter, strides, pad as 'same' | 'valid'),
        filter: () =>
          tf
            .engine()
            .runKernel(
              tf.Conv3DBackpropFilterV2,
              { x: output, dy: x },
              { strides, pad, filterShape: filter.shape },
            ) as tf.Tensor,
      }
    },
  })
}
