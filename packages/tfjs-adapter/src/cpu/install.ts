// Puts our kernel in the place of what TF.js' cpu backend has wrong. Nothing happens on import.
import * as tf from '@tensorflow/tfjs-core'
import { maxPool3dGradient } from '../operations/max-pool-3d'

/** Registers the kernel with the backend `cpu`, whose package must be loaded. */
export function installCpuKernels(): void {
  tf.unregisterKernel(tf.MaxPool3DGrad, 'cpu')
  tf.registerKernel(maxPool3dGradient('cpu'))
}
