// Convolutions with a kernel of one voxel and stride 1, in 2D or 3D, by our own module: assembly/pointwise.ts.
import * as tf from '@tensorflow/tfjs-core'
import type { ConvolutionGeometry } from '../operations/convolution-geometry'
import { type NativeKernels, pointer, type WasmBackend, withScratch } from './native'

/** Rows and inputs of a share, as in assembly/. */
const SHARE_ROWS = 64
const SHARE_INPUTS = 16

/** Whether the functions below compute this convolution of `[batch, …]`. */
export function isPointwise(
  { kernel, stride, inputSize, outputSize }: ConvolutionGeometry,
  batch: number,
): boolean {
  return (
    [...kernel, ...stride].every((size) => size === 1) &&
    String(inputSize) === String(outputSize) &&
    batch * tf.util.sizeFromShape([...inputSize]) >= 4
  )
}

/**
 * @param x `[N, *size, in]`
 * @param filter `[*kernel, in, out]`
 * @param bias `[out]`
 * @returns `[N, *size, out]`
 */
export function pointwiseConvolution(
  native: NativeKernels,
  backend: WasmBackend,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  bias: tf.TensorInfo | undefined,
): tf.TensorInfo {
  const [inputs, outputs] = filter.shape.slice(-2) as [number, number]
  const rows = tf.util.sizeFromShape(x.shape.slice(0, -1))
  const y = backend.makeOutput([...x.shape.slice(0, -1), outputs], 'float32')
  const columns = Math.ceil(outputs / 8) * 8
  withScratch(backend, [inputs * columns, 4 * columns * native.threads], ([panels, scratch]) => {
    native.packPanels(pointer(backend, filter), panels!, inputs, outputs)
    native.divide(
      'pointwiseConvolution',
      { shares: Math.ceil(rows / SHARE_ROWS), operations: rows * inputs * outputs },
      pointer(backend, x),
      panels!,
      bias ? pointer(backend, bias) : 0,
      pointer(backend, y),
      rows,
      inputs,
      outputs,
      scratch!,
    )
  })
  return y
}

/**
 * The gradient with respect to the input.
 *
 * @param dy `[N, *size, out]`
 * @param filter `[*kernel, in, out]`
 * @returns `[N, *size, in]`
 */
export function pointwiseInputGradient(
  native: NativeKernels,
  backend: WasmBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
): tf.TensorInfo {
  const [inputs, outputs] = filter.shape.slice(-2) as [number, number]
  const turned = backend.makeOutput([outputs, inputs], 'float32')
  native.transpose(pointer(backend, filter), pointer(backend, turned), inputs, outputs)
  const gradient = pointwiseConvolution(native, backend, dy, turned, undefined)
  backend.disposeData(turned.dataId)
  return gradient
}

/**
 * @param x `[N, *size, in]`
 * @param dy `[N, *size, out]`
 * @returns `[*kernel, in, out]`
 */
export function pointwiseFilterGradient(
  native: NativeKernels,
  backend: WasmBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  geometry: ConvolutionGeometry,
): tf.TensorInfo {
  const [inputs, outputs] = [x.shape.at(-1)!, dy.shape.at(-1)!]
  const rows = tf.util.sizeFromShape(x.shape.slice(0, -1))
  const gradient = backend.makeOutput([...geometry.kernel, inputs, outputs], 'float32')
  const columns = Math.ceil(outputs / 8) * 8
  withScratch(backend, [Math.ceil(inputs / 4) * 4 * columns], ([sums]) => {
    native.divide(
      'pointwiseGradient',
      { shares: Math.ceil(inputs / SHARE_INPUTS), operations: rows * inputs * outputs },
      pointer(backend, x),
      pointer(backend, dy),
      pointer(backend, gradient),
      rows,
      inputs,
      outputs,
      sums!,
    )
  })
  return gradient
}
