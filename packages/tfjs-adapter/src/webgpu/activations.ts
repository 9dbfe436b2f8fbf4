// PReLU and leaky ReLU with the gradient of the first, value by value: in TF.js' webgpu backend they throw.
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import { LEAKY_GRADIENT } from '../operations/rectifiers'
import { elementwise } from './shader'

export const activations: readonly tf.KernelConfig[] = [
  {
    kernelName: tf.Prelu,
    backendName: 'webgpu',
    kernelFunc: ({ inputs, backend }) => {
      const { x, alpha } = inputs as unknown as { x: tf.Tensor; alpha: tf.Tensor }
      if (alpha.size !== 1) return tf.tidy(() => tf.sub(tf.relu(x), tf.mul(alpha, tf.relu(tf.neg(x)))))
      const value = 'select(alpha[0] * x[index], x[index], x[index] > 0.0)'
      return elementwise(backend as WebGPUBackend, { x, alpha }, x.shape, value)
    },
  },
  {
    kernelName: tf.LeakyRelu,
    backendName: 'webgpu',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { x } = inputs as unknown as { x: tf.TensorInfo }
      const { alpha } = attrs as unknown as tf.LeakyReluAttrs
      const value = `select(f32(${alpha}) * x[index], x[index], x[index] > 0.0)`
      return elementwise(backend as WebGPUBackend, { x }, x.shape, value)
    },
  },
  {
    kernelName: LEAKY_GRADIENT,
    backendName: 'webgpu',
    kernelFunc: ({ inputs, backend }) => {
      const { dy, x, slope } = inputs as unknown as Record<'dy' | 'x' | 'slope', tf.Tensor>
      const device = backend as WebGPUBackend
      const gradient = 'select(slope[0] * dy[index], dy[index], x[index] > 0.0)'
      const part = elementwise(
        device,
        { dy, x },
        x.shape,
        'select(x[index] * dy[index], 0.0, x[index] > 0.0)',
      )
      const slopeGradient = tf.tidy(() =>
        tf.reshape(tf.sum(tf.engine().makeTensorFromTensorInfo(part)), slope.shape),
      )
      return [elementwise(device, { dy, x, slope }, x.shape, gradient), slopeGradient]
    },
  },
]
