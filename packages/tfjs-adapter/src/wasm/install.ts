// Puts the training kernels in the place of what TF.js' wasm backend has or lacks. Nothing happens on import.
import * as tf from '@tensorflow/tfjs-core'
import { accelerated, accelerations } from './acceleration'
import { convolutionGradients } from './convolution-gradients'
import { depthwiseGradients } from './depthwise-gradients'
import { elementwise } from './elementwise'
import { identity } from './identity'
import { interpolation } from './interpolation'
import { maxPools } from './max-pools'
import { normalisation } from './normalisation'
import { segmentSum } from './segment-sum'

/** Registers the training kernels with the wasm backend, whose package must be loaded; again changes nothing. */
export function installKernels(): void {
  if (tf.getKernel(interpolation.kernelName, 'wasm')) return
  const faster = accelerations.map((acceleration) =>
    accelerated(tf.getKernel(acceleration.kernelName, 'wasm'), acceleration),
  )
  const composed = [...convolutionGradients, ...depthwiseGradients, ...maxPools, segmentSum]
  for (const kernel of [...composed, ...normalisation, ...elementwise, identity, interpolation, ...faster]) {
    if (tf.getKernel(kernel.kernelName, 'wasm')) tf.unregisterKernel(kernel.kernelName, 'wasm')
    tf.registerKernel(kernel)
  }
}
