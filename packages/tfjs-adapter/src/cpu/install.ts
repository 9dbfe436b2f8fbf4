// Puts right what TF.js' cpu backend has wrong in 3D. Nothing happens on import.
import * as tf from '@tensorflow/tfjs-core'
import { fromFirstVoxel, toFirstVoxel } from '../operations/from-first-voxel'
import { maxPool3dGradient } from '../operations/max-pool-3d'
import { repairKernels } from '../operations/repair-kernels'

/**
 * Repairs the kernels of the backend `cpu`, whose package must be loaded; again changes nothing. Once more after tfjs-node is loaded,
 * which registers TF.js' own anew.
 */
export function installCpuKernels(): void {
  repairKernels('cpu', {
    [tf.Conv3D]: fromFirstVoxel,
    [tf.AvgPool3D]: fromFirstVoxel,
    [tf.MaxPool3D]: fromFirstVoxel,
    [tf.MaxPool3DGrad]: () => maxPool3dGradient('cpu'),
    [tf.Conv3DBackpropFilterV2]: fromFirstVoxel,
    [tf.Conv3DBackpropInputV2]: toFirstVoxel,
  })
}
