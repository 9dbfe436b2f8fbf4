// The gradient of rectifiers as TensorFlow has it: TF.js composes it of three passes.
import type * as tf from '@tensorflow/tfjs-core'
import { RECTIFIER_GRADIENT } from '../operations/rectifiers'
import { attributes, type TensorflowBackend } from './native-operations'

export const rectifierGradient: tf.KernelConfig = {
  kernelName: RECTIFIER_GRADIENT,
  backendName: 'tensorflow',
  kernelFunc: (args) => {
    const { dy, x } = args.inputs as unknown as Record<'dy' | 'x', tf.Tensor>
    const { slope } = args.attrs as { slope: number }
    const backend = args.backend as TensorflowBackend
    return backend.executeSingleOutput('LeakyReluGrad', attributes(backend, ['T'], { alpha: slope }), [dy, x])
  },
}
