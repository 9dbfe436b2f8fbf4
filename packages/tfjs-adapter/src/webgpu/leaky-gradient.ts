// The gradient of rectifiers in one pass: what TF.js composes it from does not work beyond four axes.
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import { LEAKY_GRADIENT } from '../operations/rectifiers'
import { elementwise } from './shader'

export const leakyGradient: tf.KernelConfig = {
  kernelName: LEAKY_GRADIENT,
  backendName: 'webgpu',
  kernelFunc: ({ inputs, backend }) => {
    const { dy, x, slope } = inputs as unknown as Record<'dy' | 'x' | 'slope', tf.Tensor>
    const device = backend as WebGPUBackend
    const dx = 'select(slope[0] * dy[index], dy[index], x[index] > 0.0)'
    const terms = elementwise(device, { dy, x }, x.shape, 'select(x[index] * dy[index], 0.0, x[index] > 0.0)')
    const slopeGradient = tf.tidy(() =>
      tf.reshape(tf.sum(tf.engine().makeTensorFromTensorInfo(terms)), slope.shape),
    )
    return [elementwise(device, { dy, x, slope }, x.shape, dx), slopeGradient]
  },
}
