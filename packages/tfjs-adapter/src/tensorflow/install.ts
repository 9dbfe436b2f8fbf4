// Lets TensorFlow do by itself what TF.js composes of slower operations. Nothing happens on import.
import * as tf from '@tensorflow/tfjs-core'
import { batchNormalisation } from './batch-normalisation'
import { rectifierGradient } from './rectifier-gradient'

/** Registers the kernels of operations/ with the backend `tensorflow`, whose package must be loaded; again changes nothing. */
export function installTensorflowKernels(): void {
  if (tf.getKernel(rectifierGradient.kernelName, 'tensorflow')) return
  for (const kernel of [rectifierGradient, ...batchNormalisation]) tf.registerKernel(kernel)
}
