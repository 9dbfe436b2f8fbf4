// TF.js' kernels of convolutions and their gradients, 2D or 3D, channels last, from functions of one geometry.
import * as tf from '@tensorflow/tfjs-core'
import { type ConvolutionGeometry, geometryOf } from './convolution-geometry'

/** Computes one of: the output of x and filter, dx of dy and filter, the filter's gradient of x and dy. */
export type ConvolutionFunction<Backend> = (
  backend: Backend,
  first: tf.Tensor,
  second: tf.Tensor,
  geometry: ConvolutionGeometry,
) => tf.TensorInfo

/** Of x `[N, *inputSize, in]` and filter `[*kernel, in, out]`: `[N, *outputSize, out]`. */
export function convolutionKernel<Backend>(
  dimensions: 2 | 3,
  backendName: string,
  compute: ConvolutionFunction<Backend>,
): tf.KernelConfig {
  return {
    kernelName: dimensions === 2 ? tf.Conv2D : tf.Conv3D,
    backendName,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { x, filter } = inputs as unknown as Record<'x' | 'filter', tf.Tensor>
      return compute(backend as Backend, x, filter, geometryOf(x.shape, filter.shape, attrs))
    },
  }
}

/** Of dy `[N, *outputSize, out]` and filter: `[N, *inputSize, in]`. */
export function inputGradientKernel<Backend>(
  dimensions: 2 | 3,
  backendName: string,
  compute: ConvolutionFunction<Backend>,
): tf.KernelConfig {
  return {
    kernelName: dimensions === 2 ? tf.Conv2DBackpropInput : tf.Conv3DBackpropInputV2,
    backendName,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { dy, filter } = inputs as unknown as Record<'dy' | 'filter', tf.Tensor>
      const { inputShape } = attrs as unknown as { readonly inputShape: number[] }
      return compute(backend as Backend, dy, filter, geometryOf(inputShape, filter.shape, attrs))
    },
  }
}

/** Of x and dy: `[*kernel, in, out]`. */
export function filterGradientKernel<Backend>(
  dimensions: 2 | 3,
  backendName: string,
  compute: ConvolutionFunction<Backend>,
): tf.KernelConfig {
  return {
    kernelName: dimensions === 2 ? tf.Conv2DBackpropFilter : tf.Conv3DBackpropFilterV2,
    backendName,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { x, dy } = inputs as unknown as Record<'x' | 'dy', tf.Tensor>
      const { filterShape } = attrs as unknown as { readonly filterShape: number[] }
      return compute(backend as Backend, x, dy, geometryOf(x.shape, filterShape, attrs))
    },
  }
}
