// Pointwise operations as kernels of the wasm backend; operations/ calls them.
import * as tf from '@tensorflow/tfjs-core'
import { composedDropout, DROPOUT, type DropoutAttributes, hash } from '../operations/dropout'
import { REPEAT } from '../operations/nearest-upsample'
import { PRELU_GRADIENT, RECTIFIER_GRADIENT } from '../operations/rectifiers'
import { type NativeKernels, nativeKernels, pointer, type WasmBackend, withScratch } from './native'

/** Values of a share, as in assembly/elementwise.ts. */
const SHARE_VALUES = 4096

export const elementwise: tf.KernelConfig[] = [
  {
    kernelName: RECTIFIER_GRADIENT,
    backendName: 'wasm',
    kernelFunc: (args) => {
      const { dy, x } = args.inputs as unknown as Record<'dy' | 'x', tf.Tensor>
      const { slope } = args.attrs as { slope: number }
      const backend = args.backend as WasmBackend
      const native = nativeKernels(backend)
      if (!native) return tf.tidy(() => tf.where(tf.greater(x, 0), dy, tf.mul(dy, slope)))
      const dx = backend.makeOutput(x.shape, 'float32')
      withScratch(backend, [1], ([factor]) => {
        new Float32Array(backend.wasm.HEAPU8.buffer, factor!, 1)[0] = slope
        leakyGradient(native, backend, dy, x, factor!, dx)
      })
      return dx
    },
  },
  {
    kernelName: PRELU_GRADIENT,
    backendName: 'wasm',
    kernelFunc: (args) => {
      const { dy, x, slope } = args.inputs as unknown as Record<'dy' | 'x' | 'slope', tf.Tensor>
      const backend = args.backend as WasmBackend
      const native = nativeKernels(backend)
      if (!native) return composedPreluGradient(dy, x, slope)
      const dx = backend.makeOutput(x.shape, 'float32')
      const slopeGradient = backend.makeOutput(slope.shape, 'float32')
      const sum = leakyGradient(native, backend, dy, x, pointer(backend, slope), dx)
      new Float32Array(backend.wasm.HEAPU8.buffer, pointer(backend, slopeGradient), 1)[0] = sum
      return [dx, slopeGradient]
    },
  },
  {
    kernelName: DROPOUT,
    backendName: 'wasm',
    kernelFunc: (args) => {
      const x = args.inputs.x as tf.Tensor
      const { rate, key } = args.attrs as unknown as DropoutAttributes
      const backend = args.backend as WasmBackend
      const native = nativeKernels(backend)
      if (!native) return composedDropout(x, { rate, key })
      const y = backend.makeOutput(x.shape, 'float32')
      const work = { shares: Math.ceil(x.size / SHARE_VALUES), operations: 4 * x.size }
      const threshold = Math.round(rate * 2 ** 32)
      withScratch(backend, [1], ([scale]) => {
        new Float32Array(backend.wasm.HEAPU8.buffer, scale!, 1)[0] = 1 / (1 - rate)
        const at = [x, y].map((tensor) => pointer(backend, tensor))
        native.divide('dropout', work, ...at, x.size, hash(key), threshold, scale!)
      })
      return y
    },
  },
  {
    kernelName: REPEAT,
    backendName: 'wasm',
    kernelFunc: (args) => {
      const x = args.inputs.x as tf.Tensor
      const { times } = args.attrs as { times: number }
      const backend = args.backend as WasmBackend
      const native = nativeKernels(backend)
      if (!native) return tf.tile(x, [1, times])
      const [rows, inner] = x.shape as [number, number]
      const y = backend.makeOutput([rows, times * inner], 'float32')
      const work = { shares: rows, operations: times * x.size }
      native.divide('repeatRows', work, pointer(backend, x), pointer(backend, y), times, 4 * inner)
      return y
    },
  },
]

/** Writes dx; gives the sum of dy · x where x ≤ 0. */
function leakyGradient(
  native: NativeKernels,
  backend: WasmBackend,
  dy: tf.Tensor,
  x: tf.Tensor,
  slope: number,
  dx: tf.TensorInfo,
): number {
  const work = { shares: Math.ceil(x.size / SHARE_VALUES), operations: x.size }
  let total = 0
  withScratch(backend, [work.shares], ([sums]) => {
    const at = [dy, x].map((tensor) => pointer(backend, tensor))
    native.divide('leakyGradient', work, ...at, slope, pointer(backend, dx), sums!, x.size)
    for (const sum of new Float32Array(backend.wasm.HEAPU8.buffer, sums!, work.shares)) total += sum
  })
  return total
}

function composedPreluGradient(dy: tf.Tensor, x: tf.Tensor, slope: tf.Tensor): tf.Tensor[] {
  return tf.tidy(() => {
    const positive = tf.greater(x, 0)
    const negativePart = tf.mul(dy, tf.minimum(x, 0))
    return [tf.where(positive, dy, tf.mul(dy, slope)), tf.reshape(tf.sum(negativePart), slope.shape)]
  })
}
