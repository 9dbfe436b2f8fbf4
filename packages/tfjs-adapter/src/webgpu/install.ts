// Puts our kernels in the place of what TF.js' webgpu backend has wrong, slow or not at all. Nothing happens on import.

import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import { fromFirstVoxel } from '../operations/from-first-voxel'
import { maxPool3dGradient } from '../operations/max-pool-3d'
import { repairKernels } from '../operations/repair-kernels'
import { convolutions } from './convolutions'
import { throwDeviceErrors } from './device-errors'
import { dropoutKernel } from './dropout'
import { mergedAxes } from './merged-axes'
import { rectifierGradients } from './rectifier-gradients'

let installed = false

/**
 * Makes the current backend, webgpu, fit for training: registers the kernels, and turns what the device finds wrong into
 * exceptions of the next read. Again changes nothing. Throws `RuntimeUnavailableError` where the device is lost.
 */
export function prepareWebgpu(): void {
  throwDeviceErrors(tf.backend() as WebGPUBackend)
  if (installed) return
  installed = true
  const stock = (name: string): tf.KernelFunc => tf.getKernel(name, 'webgpu')!.kernelFunc
  const single = [dropoutKernel, maxPool3dGradient('webgpu')]
  for (const kernel of [...mergedAxes(stock), ...convolutions, ...rectifierGradients, ...single]) {
    if (tf.getKernel(kernel.kernelName, 'webgpu')) tf.unregisterKernel(kernel.kernelName, 'webgpu')
    tf.registerKernel(kernel)
  }
  repairKernels('webgpu', { [tf.AvgPool3D]: fromFirstVoxel, [tf.MaxPool3D]: fromFirstVoxel })
}
