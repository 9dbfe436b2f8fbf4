// Linear up-sampling along one axis as a kernel of the wasm backend; operations/linear-upsample.ts calls it.
import * as tf from '@tensorflow/tfjs-core'
import { INTERPOLATION, type InterpolationAttributes, interpolateByMatrix } from '../operations/interpolation'
import { nativeKernels, pointer, type WasmBackend } from './native'

export const interpolation: tf.KernelConfig = {
  kernelName: INTERPOLATION,
  backendName: 'wasm',
  kernelFunc: (args) => {
    const x = args.inputs.x as tf.Tensor
    const attributes = args.attrs as unknown as InterpolationAttributes
    const backend = args.backend as WasmBackend
    const native = nativeKernels(backend)
    if (!native) return interpolateByMatrix(x, attributes)
    const { axis, size, factor, transposed } = attributes
    const before = x.shape.slice(0, axis)
    const after = x.shape.slice(axis + 1)
    const output = backend.makeOutput([...before, transposed ? size : size * factor, ...after], 'float32')
    native[transposed ? 'interpolateTransposed' : 'interpolate'](
      pointer(backend, x),
      pointer(backend, output),
      tf.util.sizeFromShape(before),
      size,
      factor,
      tf.util.sizeFromShape(after),
    )
    return output
  },
}
