// Convolution gradients for TF.js' wasm backend, which lacks the 2D filter gradient, has a slow 2D
// input gradient and wrong 3D ones.
import * as tf from '@tensorflow/tfjs-core'
import { type ConvolutionGeometry, composedInputGradient } from './composed-convolution'
import { filterGradient } from './filter-gradient'
import type { WasmBackend } from './native'

interface FilterGradientInputs {
  readonly x: tf.Tensor
  readonly dy: tf.Tensor
}

interface InputGradientInputs {
  readonly dy: tf.Tensor
  readonly filter: tf.Tensor
}

export const convolutionGradients: tf.KernelConfig[] = [
  {
    kernelName: tf.Conv2DBackpropFilter,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { x, dy } = inputs as unknown as FilterGradientInputs
      const { filterShape, strides, pad, dimRoundingMode } = attrs as unknown as tf.Conv2DBackpropFilterAttrs
      const geometry = geometry2d(x.shape, filterShape, strides, pad, dimRoundingMode)
      return filterGradient(backend as WasmBackend, x, dy, geometry)
    },
  },
  {
    kernelName: tf.Conv2DBackpropInput,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const { dy, filter } = inputs as unknown as InputGradientInputs
      const { inputShape, strides, pad, dimRoundingMode } = attrs as unknown as tf.Conv2DBackpropInputAttrs
      const geometry = geometry2d(inputShape, filter.shape, strides, pad, dimRoundingMode)
      return tf.tidy(() => composedInputGradient(dy, filter, geometry))
    },
  },
  {
    kernelName: tf.Conv3DBackpropFilterV2,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { x, dy } = inputs as unknown as FilterGradientInputs
      const { filterShape, strides, pad } = attrs as unknown as tf.Conv3DBackpropFilterV2Attrs
      const geometry = geometry3d(x.shape, filterShape, strides, pad)
      return filterGradient(backend as WasmBackend, x, dy, geometry)
    },
  },
  {
    kernelName: tf.Conv3DBackpropInputV2,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const { dy, filter } = inputs as unknown as InputGradientInputs
      const { inputShape, strides, pad } = attrs as unknown as tf.Conv3DBackpropInputV2Attrs
      const geometry = geometry3d(inputShape, filter.shape, strides, pad)
      return tf.tidy(() => composedInputGradient(dy, filter, geometry))
    },
  },
]

function geometry2d(
  inputShape: readonly number[],
  filterShape: readonly number[],
  strides: tf.Conv2DBackpropFilterAttrs['strides'],
  pad: tf.Conv2DBackpropFilterAttrs['pad'],
  rounding: tf.Conv2DBackpropFilterAttrs['dimRoundingMode'],
): ConvolutionGeometry {
  const info = tf.backend_util.computeConv2DInfo(
    inputShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    strides,
    1,
    pad,
    rounding,
  )
  return {
    inputSize: [info.inHeight, info.inWidth],
    outputSize: [info.outHeight, info.outWidth],
    kernel: [info.filterHeight, info.filterWidth],
    stride: [info.strideHeight, info.strideWidth],
    padBefore: [info.padInfo.top, info.padInfo.left],
  }
}

function geometry3d(
  inputShape: readonly number[],
  filterShape: readonly number[],
  strides: tf.Conv3DBackpropFilterV2Attrs['strides'],
  pad: tf.Conv3DBackpropFilterV2Attrs['pad'],
): ConvolutionGeometry {
  const info = tf.backend_util.computeConv3DInfo(
    inputShape as [number, number, number, number, number],
    filterShape as [number, number, number, number, number],
    strides,
    1,
    pad,
  )
  return {
    inputSize: [info.inDepth, info.inHeight, info.inWidth],
    outputSize: [info.outDepth, info.outHeight, info.outWidth],
    kernel: [info.filterDepth, info.filterHeight, info.filterWidth],
    stride: [info.strideDepth, info.strideHeight, info.strideWidth],
    padBefore: [info.padInfo.front, info.padInfo.top, info.padInfo.left],
  }
}
