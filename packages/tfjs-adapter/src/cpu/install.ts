// Puts right what TF.js' cpu backend has wrong in 3D. Nothing happens on import.
import * as tf from '@tensorflow/tfjs-core'
import { fromFirstVoxel, toFirstVoxel } from '../operations/from-first-voxel'
import { maxPool3dGradient } from '../operations/max-pool-3d'

const repairs = {
  [tf.Conv3D]: fromFirstVoxel,
  [tf.AvgPool3D]: fromFirstVoxel,
  [tf.MaxPool3D]: fromFirstVoxel,
  [tf.MaxPool3DGrad]: () => maxPool3dGradient('cpu'),
  [tf.Conv3DBackpropFilterV2]: fromFirstVoxel,
  [tf.Conv3DBackpropInputV2]: toFirstVoxel,
}

const repaired = new WeakSet<tf.KernelConfig>()

/**
 * Repairs the kernels of the backend `cpu`, whose package must be loaded; again changes nothing. Once more after tfjs-node is loaded,
 * which registers TF.js' own anew.
 */
export function installCpuKernels(): void {
  for (const [name, repair] of Object.entries(repairs)) {
    const stock = tf.getKernel(name, 'cpu')
    if (repaired.has(stock)) continue
    const kernel = repair(stock)
    repaired.add(kernel)
    tf.unregisterKernel(name, 'cpu')
    tf.registerKernel(kernel)
  }
}
