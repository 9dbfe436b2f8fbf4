// Convolution gradients for TF.js' wasm backend, which lacks the 2D filter gradient, has a slow 2D
// input gradient and wrong 3D ones.
import * as tf from '@tensorflow/tfjs-core'
import { composedInputGradient } from './composed-convolution'
import { type ConvolutionGeometry, geometry2d, geometry3d } from './convolution-geometry'
import { filterGradient } from './filter-gradient'
import { nativeKernels, type WasmBackend } from './native'
import { ownInputGradient } from './own-convolution'

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
      const attributes = attrs as unknown as tf.Conv2DBackpropFilterAttrs
      const geometry = geometry2d(x.shape, attributes.filterShape, attributes)
      return filterGradient(backend as WasmBackend, x, dy, geometry)
    },
  },
  {
    kernelName: tf.Conv2DBackpropInput,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { dy, filter } = inputs as unknown as InputGradientInputs
      const attributes = attrs as unknown as tf.Conv2DBackpropInputAttrs
      const geometry = geometry2d(attributes.inputShape, filter.shape, attributes)
      return inputGradient(backend as WasmBackend, dy, filter, geometry)
    },
  },
  {
    kernelName: tf.Conv3DBackpropFilterV2,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { x, dy } = inputs as unknown as FilterGradientInputs
      const attributes = attrs as unknown as tf.Conv3DBackpropFilterV2Attrs
      const geometry = geometry3d(x.shape, attributes.filterShape, attributes)
      return filterGradient(backend as WasmBackend, x, dy, geometry)
    },
  },
  {
    kernelName: tf.Conv3DBackpropInputV2,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { dy, filter } = inputs as unknown as InputGradientInputs
      const attributes = attrs as unknown as tf.Conv3DBackpropInputV2Attrs
      const geometry = geometry3d(attributes.inputShape, filter.shape, attributes)
      return inputGradient(backend as WasmBackend, dy, filter, geometry)
    },
  },
]

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
