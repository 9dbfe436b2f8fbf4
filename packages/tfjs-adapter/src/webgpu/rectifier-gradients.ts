// The gradients of rectifiers in one pass: what TF.js composes them from does not work beyond four axes.
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import { PRELU_GRADIENT, RECTIFIER_GRADIENT } from '../operations/rectifiers'
import { elementwise } from './shader'

export const rectifierGradients: readonly tf.KernelConfig[] = [
  {
    kernelName: RECTIFIER_GRADIENT,
    backendName: 'webgpu',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { dy, x } = inputs as unknown as Record<'dy' | 'x', tf.Tensor>
      const { slope } = attrs as { slope: number }
      const dx = `select(f32(${slope}) * dy[index], dy[index], x[index] > 0.0)`
      return elementwise(backend as WebGPUBackend, { dy, x }, x.shape, dx)
    },
  },
  {
    kernelName: PRELU_GRADIENT,
    backendName: 'webgpu',
    kernelFunc: ({ inputs, backend }) => {
      const { dy, x, slope } = inputs as unknown as Record<'dy' | 'x' | 'slope', tf.Tensor>
      const device = backend as WebGPUBackend
      const dx = 'select(slope[0] * dy[index], dy[index], x[index] > 0.0)'
      const terms = elementwise(
        device,
        { dy, x },
        x.shape,
        'select(x[index] * dy[index], 0.0, x[index] > 0.0)',
      )
      const slopeGradient = tf.tidy(() =>
        tf.reshape(tf.sum(tf.engine().makeTensorFromTensorInfo(terms)), slope.shape),
      )
      return [elementwise(device, { dy, x, slope }, x.shape, dx), slopeGradient]
    },
  },
]
