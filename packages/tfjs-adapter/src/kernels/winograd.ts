// 3×3 convolutions of stride 1 over channels in multiples of 8, by our own module: assembly/winograd.ts.
import * as tf from '@tensorflow/tfjs-core'
import type { ConvolutionGeometry } from './convolution-geometry'
import { type NativeKernels, pointer, type WasmBackend, withScratch } from './native'

/** Whether the functions below can compute this convolution, and faster than directly. */
export function isWinograd(geometry: ConvolutionGeometry, inputs: number, outputs: number): boolean {
  const { kernel, stride, dilation } = geometry
  return (
    kernel.length === 2 &&
    kernel.every((size) => size === 3) &&
    [...stride, ...dilation].every((step) => step === 1) &&
    inputs % 8 === 0 &&
    outputs % 8 === 0 &&
    inputs + outputs > 16
  )
}

/**
 * @param x `[N, *inputSize, in]`
 * @param filter `[3, 3, in, out]`
 * @param bias `[out]`
 * @returns `[N, *outputSize, out]`
 */
export function winogradConvolution(
  native: NativeKernels,
  backend: WasmBackend,
  x: tf.Tensor,
  filter: tf.TensorInfo,
  bias: tf.TensorInfo | undefined,
  geometry: ConvolutionGeometry,
): tf.TensorInfo {
  const [inputs, outputs] = filter.shape.slice(2) as [number, number]
  const [height, width] = geometry.outputSize as [number, number]
  const padded = padToTiles(x, geometry)
  const output = backend.makeOutput([x.shape[0]!, height, width, outputs], 'float32')
  withScratch(backend, [36 * inputs * outputs, native.winogradScratchBytes(inputs, outputs) / 4], (at) => {
    const [transformed, scratch] = at as [number, number]
    native.winogradFilter(pointer(backend, filter), transformed, scratch, inputs, outputs)
    native.winogradConvolution(
      pointer(backend, padded),
      transformed,
      bias ? pointer(backend, bias) : 0,
      pointer(backend, output),
      scratch,
      x.shape[0]!,
      height,
      width,
      inputs,
      outputs,
    )
  })
  padded.dispose()
  return output
}

/**
 * @param x `[N, *inputSize, in]`
 * @param dy `[N, *outputSize, out]`
 * @returns `[3, 3, in, out]`
 */
export function winogradFilterGradient(
  native: NativeKernels,
  backend: WasmBackend,
  x: tf.Tensor,
  dy: tf.Tensor,
  geometry: ConvolutionGeometry,
): tf.TensorInfo {
  const [inputs, outputs] = [x.shape.at(-1)!, dy.shape.at(-1)!]
  const [height, width] = geometry.outputSize as [number, number]
  const padded = padToTiles(x, geometry)
  const paddedDy = tf.pad(dy, [
    [0, 0],
    [0, toTiles(height) - height],
    [0, toTiles(width) - width],
    [0, 0],
  ])
  const gradient = backend.makeOutput([3, 3, inputs, outputs], 'float32')
  withScratch(backend, [36 * inputs * outputs, native.winogradScratchBytes(inputs, outputs) / 4], (at) => {
    const [transformed, scratch] = at as [number, number]
    native.winogradFilterGradient(
      pointer(backend, padded),
      pointer(backend, paddedDy),
      pointer(backend, gradient),
      transformed,
      scratch,
      x.shape[0]!,
      height,
      width,
      inputs,
      outputs,
    )
  })
  padded.dispose()
  paddedDy.dispose()
  return gradient
}

/** The input that 4×4 tiles of outputs read: one voxel more on every side. */
function padToTiles(x: tf.Tensor, { inputSize, outputSize, padBefore }: ConvolutionGeometry): tf.Tensor {
  const around = inputSize.map((size, axis): [number, number] => {
    const before = padBefore[axis]!
    return [before, toTiles(outputSize[axis]!) + 2 - size - before]
  })
  return tf.pad(x, [[0, 0], ...around, [0, 0]])
}

function toTiles(size: number): number {
  return Math.ceil(size / 4) * 4
}
