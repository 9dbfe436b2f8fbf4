// Puts the training kernels in the place of what TF.js' wasm backend has or lacks. Nothing happens on import.
import * as tf from '@tensorflow/tfjs-core'
import { fromFirstVoxel } from '../operations/from-first-voxel'
import { type Repair, repairKernels } from '../operations/repair-kernels'
import { accelerated, accelerations } from './acceleration'
import { givingBack, refuseWithoutRoom } from './allocation'
import { convolutionGradients } from './convolution-gradients'
import { depthwiseGradients } from './depthwise-gradients'
import { elementwise } from './elementwise'
import { poolGradientOfNothing, poolOfNothing } from './empty-pools'
import { sumOfNothing } from './empty-sum'
import { identity } from './identity'
import { interpolation } from './interpolation'
import { maxPools } from './max-pools'
import type { WasmBackend } from './native'
import { normalisation } from './normalisation'
import { paddedInNumbers } from './same-padding'
import { segmentSum } from './segment-sum'
import { refusingWholeNumbers } from './whole-numbers'

/** What TF.js' kernels lack for some of their inputs, ours before them included. */
const repairs: Readonly<Record<string, Repair>> = {
  [tf.Conv2D]: paddedInNumbers,
  [tf.FusedConv2D]: paddedInNumbers,
  [tf.DepthwiseConv2dNative]: paddedInNumbers,
  [tf.FusedDepthwiseConv2D]: paddedInNumbers,
  [tf.Conv3D]: (stock) => refusingWholeNumbers(fromFirstVoxel(stock)),
  [tf.MaxPool]: poolOfNothing,
  [tf.AvgPool]: poolOfNothing,
  [tf.MaxPool3D]: poolOfNothing,
  [tf.AvgPool3D]: (stock) => poolOfNothing(fromFirstVoxel(stock)),
  [tf.MaxPoolGrad]: poolGradientOfNothing,
  [tf.AvgPoolGrad]: poolGradientOfNothing,
  [tf.MaxPool3DGrad]: poolGradientOfNothing,
  [tf.AvgPool3DGrad]: poolGradientOfNothing,
  [tf.Sum]: sumOfNothing,
}

/** Prepares the wasm backend, which must be the current one, and registers the training kernels with it; again changes nothing. */
export function installKernels(): void {
  refuseWithoutRoom(tf.backend() as WasmBackend)
  if (tf.getKernel(interpolation.kernelName, 'wasm')) return
  const stock = (name: string): tf.KernelConfig => tf.getKernel(name, 'wasm')
  const composed = [...convolutionGradients, ...depthwiseGradients, ...maxPools, segmentSum]
  register([...composed, ...normalisation, ...elementwise, identity, interpolation])
  register(accelerations.map((acceleration) => accelerated(stock(acceleration.kernelName), acceleration)))
  repairKernels('wasm', repairs)
  register(tf.getKernelsForBackend('wasm').map(givingBack))
}

function register(kernels: readonly tf.KernelConfig[]): void {
  for (const kernel of kernels) {
    if (tf.getKernel(kernel.kernelName, 'wasm')) tf.unregisterKernel(kernel.kernelName, 'wasm')
    tf.registerKernel(kernel)
  }
}
