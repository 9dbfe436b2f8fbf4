// Batch normalisation as kernels of the wasm backend; operations/normalisation.ts calls them.
import type * as tf from '@tensorflow/tfjs-core'
import {
  composedNormalise,
  composedNormaliseGradient,
  NORMALISATION,
  NORMALISATION_GRADIENT,
} from '../operations/normalisation'
import { nativeKernels, pointer, type WasmBackend, withScratch } from './native'

interface Inputs {
  readonly dy: tf.Tensor
  readonly x: tf.Tensor
  readonly scale: tf.Tensor1D
  readonly bias: tf.Tensor1D
  readonly mean: tf.Tensor1D
  readonly variance: tf.Tensor1D
}

export const normalisation: tf.KernelConfig[] = [
  {
    kernelName: NORMALISATION,
    backendName: 'wasm',
    kernelFunc: (args) => {
      const { x, scale, bias } = args.inputs as unknown as Inputs
      const { epsilon } = args.attrs as { epsilon: number }
      const backend = args.backend as WasmBackend
      const native = scale.size % 4 === 0 && nativeKernels(backend)
      if (!native) return composedNormalise(x, scale, bias, epsilon)
      const at = (tensor: tf.TensorInfo): number => pointer(backend, tensor)
      const y = backend.makeOutput(x.shape, 'float32')
      const mean = backend.makeOutput(scale.shape, 'float32')
      const variance = backend.makeOutput(scale.shape, 'float32')
      const rows = x.size / scale.size
      withScratch(backend, [2 * scale.size], ([scratch]) => {
        native.normalise(
          at(x),
          at(scale),
          at(bias),
          at(y),
          at(mean),
          at(variance),
          scratch!,
          rows,
          scale.size,
          epsilon,
        )
      })
      return [y, mean, variance]
    },
  },
  {
    kernelName: NORMALISATION_GRADIENT,
    backendName: 'wasm',
    kernelFunc: (args) => {
      const { dy, x, scale, mean, variance } = args.inputs as unknown as Inputs
      const { epsilon } = args.attrs as { epsilon: number }
      const backend = args.backend as WasmBackend
      const native = scale.size % 4 === 0 && nativeKernels(backend)
      if (!native) return composedNormaliseGradient(dy, x, scale, mean, variance, epsilon)
      const at = (tensor: tf.TensorInfo): number => pointer(backend, tensor)
      const dx = backend.makeOutput(x.shape, 'float32')
      const scaleGradient = backend.makeOutput(scale.shape, 'float32')
      const biasGradient = backend.makeOutput(scale.shape, 'float32')
      const rows = x.size / scale.size
      withScratch(backend, [3 * scale.size], ([scratch]) => {
        native.normaliseGradient(
          at(dy),
          at(x),
          at(scale),
          at(mean),
          at(variance),
          at(dx),
          at(scaleGradient),
          at(biasGradient),
          scratch!,
          rows,
          scale.size,
          epsilon,
        )
      })
      return [dx, scaleGradient, biasGradient]
    },
  },
]
