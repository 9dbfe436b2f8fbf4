// Lets TensorFlow do by itself what TF.js composes of slower operations, and rightly what it does not. Nothing happens on import.
import * as tf from '@tensorflow/tfjs-core'
import { installCpuKernels } from '../cpu/install'
import { fromFirstVoxel } from '../operations/from-first-voxel'
import { repairKernels } from '../operations/repair-kernels'
import { batchNormalisation } from './batch-normalisation'

/** Registers the kernels of operations/ with the backend `tensorflow`, whose package must be loaded; again changes nothing. */
export function installTensorflowKernels(): void {
  for (const kernel of batchNormalisation) {
    if (!tf.getKernel(kernel.kernelName, 'tensorflow')) tf.registerKernel(kernel)
  }
  repairKernels('tensorflow', { [tf.MaxPool3D]: fromFirstVoxel })
  // The package registers the kernels of TF.js' cpu backend, too.
  installCpuKernels()
}
