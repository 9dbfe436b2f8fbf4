// The gradient of a convolution with respect to its filter, by our own kernel where it can run.
import * as tf from '@tensorflow/tfjs-core'
import { type ConvolutionGeometry, forwardPadding } from '../operations/convolution-geometry'
import { composedFilterGradient } from './composed-convolution'
import { in3d } from './convolution-sizes'
import { type NativeKernels, nativeKernels, pointer, type WasmBackend, withScratch } from './native'
import { ownFilterGradient } from './own-convolution'

/**
 * @param x `[N, *inputSize, in]`
 * @param dy `[N, *outputSize, out]`
 * @returns `[*kernel, in, out]`
 */
export function filterGradient(
  backend: WasmBackend,
  x: tf.Tensor,
  dy: tf.Tensor,
  geometry: ConvolutionGeometry,
): tf.TensorInfo {
  if (dy.size === 0) return tf.zeros([...geometry.kernel, x.shape.at(-1)!, dy.shape.at(-1)!])
  const native = geometry.stride.every((stride) => stride === 1) && nativeKernels(backend)
  if (!native) return tf.tidy(() => composedFilterGradient(x, dy, geometry))
  return (
    ownFilterGradient(native, backend, x, dy, geometry) ??
    directFilterGradient(native, backend, x, dy, geometry)
  )
}

function directFilterGradient(
  native: NativeKernels,
  backend: WasmBackend,
  x: tf.Tensor,
  dy: tf.Tensor,
  geometry: ConvolutionGeometry,
): tf.TensorInfo {
  const inputs = x.shape.at(-1)!
  const outputs = dy.shape.at(-1)!
  const panels = Math.ceil(outputs / 8)
  const pixels = dy.size / outputs
  const rows = tf.util.sizeFromShape([...geometry.kernel, inputs])
  const padding = forwardPadding(geometry)
  const padded = padding.flat().every((amount) => amount === 0) ? x : tf.pad(x, [[0, 0], ...padding, [0, 0]])
  const gradient = backend.makeOutput([...geometry.kernel, inputs, outputs], 'float32')
  const at = (tensor: tf.TensorInfo): number => pointer(backend, tensor)
  withScratch(backend, [8 * panels * pixels, 8 * panels * rows], ([dyPanels, gradientPanels]) => {
    native.packPanels(at(dy), dyPanels!, pixels, outputs)
    native.filterGradient(
      at(padded),
      dyPanels!,
      gradientPanels!,
      panels,
      x.shape[0]!,
      ...in3d(geometry.outputSize, 1),
      inputs,
      ...in3d(geometry.kernel, 1),
    )
    native.unpackPanels(gradientPanels!, at(gradient), rows, outputs)
  })
  if (padded !== x) padded.dispose()
  return gradient
}
