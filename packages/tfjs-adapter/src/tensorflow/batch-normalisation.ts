// Batch normalisation in training by TensorFlow's fused operations, which pass over their tensors fewer times.
//
// What the fused gradient reads of the forward pass differs between CPU and GPU (the variance there is the inverse of its root):
// on a GPU, where this was not tried, the composition stays.
import * as tf from '@tensorflow/tfjs-core'
import {
  composedNormalise,
  composedNormaliseGradient,
  NORMALISATION,
  NORMALISATION_GRADIENT,
  type NormalisationInputs,
} from '../operations/normalisation'
import { attributes, type TensorflowBackend } from './native-operations'

export const batchNormalisation: readonly tf.KernelConfig[] = [
  {
    kernelName: NORMALISATION,
    backendName: 'tensorflow',
    kernelFunc: (args) => {
      const { x, scale, bias } = args.inputs as unknown as NormalisationInputs
      const { epsilon } = args.attrs as { epsilon: number }
      const backend = args.backend as TensorflowBackend
      if (backend.isUsingGpuDevice) return composedNormalise(x, scale, bias, epsilon)
      return tf.tidy(() => {
        const none = tf.tensor1d([])
        const inputs = [voxels(x), scale, bias, none, none]
        // The third output is the variance times count / (count − 1).
        const [y, mean, , , variance] = run(backend, 'FusedBatchNormV3', epsilon, inputs, 6)
        return [tf.reshape(y!, x.shape), mean!, variance!]
      })
    },
  },
  {
    kernelName: NORMALISATION_GRADIENT,
    backendName: 'tensorflow',
    kernelFunc: (args) => {
      const { dy, x, scale, mean, variance } = args.inputs as unknown as NormalisationInputs
      const { epsilon } = args.attrs as { epsilon: number }
      const backend = args.backend as TensorflowBackend
      if (backend.isUsingGpuDevice) return composedNormaliseGradient(dy, x, scale, mean, variance, epsilon)
      return tf.tidy(() => {
        const inputs = [voxels(dy), voxels(x), scale, mean, variance, tf.tensor1d([])]
        const [dx, ofScale, ofBias] = run(backend, 'FusedBatchNormGradV3', epsilon, inputs, 5)
        return [tf.reshape(dx!, x.shape), ofScale!, ofBias!]
      })
    },
  },
]

/** The operations take images alone: voxels of all items in one row. */
function voxels(x: tf.Tensor): tf.Tensor {
  return tf.reshape(x, [1, 1, -1, x.shape.at(-1)!])
}

function run(
  backend: TensorflowBackend,
  operation: string,
  epsilon: number,
  inputs: readonly tf.Tensor[],
  outputs: number,
): tf.Tensor[] {
  const settings = { epsilon, data_format: 'NHWC', is_training: true }
  return backend.executeMultipleOutputs(operation, attributes(backend, ['T', 'U'], settings), inputs, outputs)
}
