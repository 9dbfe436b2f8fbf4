// Puts the training kernels in the place of what TF.js' wasm backend has or lacks. Nothing happens on import.
import * as tf from '@tensorflow/tfjs-core'
import { accelerated, accelerations } from './acceleration'
import { givingBack, refuseWithoutRoom } from './allocation'
import { convolutionGradients } from './convolution-gradients'
import { depthwiseGradients } from './depthwise-gradients'
import { elementwise } from './elementwise'
import { identity } from './identity'
import { interpolation } from './interpolation'
import { maxPools } from './max-pools'
import type { WasmBackend } from './native'
import { normalisation } from './normalisation'
import { samePadding } from './same-padding'
import { segmentSum } from './segment-sum'

/** Prepares the wasm backend, which must be the current one, and registers the training kernels with it; again changes nothing. */
export function installKernels(): void {
  refuseWithoutRoom(tf.backend() as WasmBackend)
  if (tf.getKernel(interpolation.kernelName, 'wasm')) return
  const stock = (name: string): tf.KernelConfig => tf.getKernel(name, 'wasm')
  const composed = [...convolutionGradients, ...depthwiseGradients, ...maxPools, segmentSum]
  register([...composed, ...normalisation, ...elementwise, identity, interpolation])
  register(accelerations.map((acceleration) => accelerated(stock(acceleration.kernelName), acceleration)))
  register(Object.entries(samePadding).map(([name, repair]) => repair(stock(name))))
  register(tf.getKernelsForBackend('wasm').map(givingBack))
}

function register(kernels: readonly tf.KernelConfig[]): void {
  for (const kernel of kernels) {
    if (tf.getKernel(kernel.kernelName, 'wasm')) tf.unregisterKernel(kernel.kernelName, 'wasm')
    tf.registerKernel(kernel)
  }
}
