// Convolution gradients for TF.js' wasm backend, which lacks the 2D filter gradient, has a slow 2D
// input gradient and wrong 3D ones.
import * as tf from '@tensorflow/tfjs-core'
import type { ConvolutionGeometry } from '../operations/convolution-geometry'
import { filterGradientKernel, inputGradientKernel } from '../operations/convolution-kernels'
import { composedInputGradient } from './composed-convolution'
import { filterGradient } from './filter-gradient'
import { nativeKernels, type WasmBackend } from './native'
import { ownInputGradient } from './own-convolution'

export const convolutionGradients: tf.KernelConfig[] = ([2, 3] as const).flatMap((dimensions) => [
  inputGradientKernel(dimensions, 'wasm', inputGradient),
  filterGradientKernel(dimensions, 'wasm', filterGradient),
])

function inputGradient(
  backend: WasmBackend,
  dy: tf.Tensor,
  filter: tf.Tensor,
  geometry: ConvolutionGeometry,
): tf.TensorInfo {
  const native = nativeKernels(backend)
  const own = native && ownInputGradient(native, backend, dy, filter, geometry)
  return own ?? tf.tidy(() => composedInputGradient(dy, filter, geometry))
}
