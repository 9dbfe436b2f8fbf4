// Which of our own kernels, if any, computes a convolution or one of its gradients.
import type * as tf from '@tensorflow/tfjs-core'
import type { ConvolutionGeometry } from '../operations/convolution-geometry'
import type { NativeKernels, WasmBackend } from './native'
import {
  isPointwise,
  pointwiseConvolution,
  pointwiseFilterGradient,
  pointwiseInputGradient,
} from './pointwise'
import { isWinograd, winogradConvolution, winogradFilterGradient, winogradInputGradient } from './winograd'

/** Of a convolution's input, filter and bias; undefined where no kernel of ours does it. */
export function ownConvolution(
  native: NativeKernels,
  backend: WasmBackend,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  bias: tf.TensorInfo | undefined,
  geometry: ConvolutionGeometry,
): tf.TensorInfo | undefined {
  if (isWinograd(geometry)) return winogradConvolution(native, backend, x, filter, bias, geometry)
  return isPointwise(geometry, x.shape[0]!)
    ? pointwiseConvolution(native, backend, x, filter, bias)
    : undefined
}

/** The gradient with respect to the input. */
export function ownInputGradient(
  native: NativeKernels,
  backend: WasmBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  geometry: ConvolutionGeometry,
): tf.TensorInfo | undefined {
  if (isWinograd(geometry)) return winogradInputGradient(native, backend, dy, filter, geometry)
  return isPointwise(geometry, dy.shape[0]!) ? pointwiseInputGradient(native, backend, dy, filter) : undefined
}

/** The gradient with respect to the filter. */
export function ownFilterGradient(
  native: NativeKernels,
  backend: WasmBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  geometry: ConvolutionGeometry,
): tf.TensorInfo | undefined {
  if (isWinograd(geometry)) return winogradFilterGradient(native, backend, x, dy, geometry)
  return isPointwise(geometry, x.shape[0]!)
    ? pointwiseFilterGradient(native, backend, x, dy, geometry)
    : undefined
}
