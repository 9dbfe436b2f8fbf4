// Convolutions of stride 1 with planes of 3×3, in 2D or 3D, by our own module: assembly/winograd.ts.
import * as tf from '@tensorflow/tfjs-core'
import type { ConvolutionGeometry } from '../operations/convolution-geometry'
import { type Blocks, tilesOf, withSizes } from './convolution-sizes'
import { type NativeKernels, pointer, type WasmBackend, withScratch } from './native'

/** Bytes of a block's transformed inputs and outputs, which should stay in a second-level cache. */
const BLOCK_BYTES = 256 * 1024
/** Bytes of the transformed tiles that a filter's gradient is summed over at a time. */
const GRADIENT_BYTES = 4 * 1024 * 1024
/** Operations of the transform of one value of a filter, about. */
const FILTER_OPERATIONS = 16
/** Floats of scratch that a thread needs to transform filters. */
const FILTER_SCRATCH = 45 * 4

/** Whether the functions below compute this convolution. */
export function isWinograd({ kernel, stride, dilation }: ConvolutionGeometry): boolean {
  const planes = kernel.slice(-2)
  return planes.every((size) => size === 3) && [...stride, ...dilation].every((step) => step === 1)
}

/**
 * @param x `[N, *inputSize, in]`
 * @param filter `[*kernel, in, out]`; where it is `turned`, `[*kernel, out, in]`, read from its last tap to its first
 * @param bias `[out]`
 * @returns `[N, *outputSize, out]`
 */
export function winogradConvolution(
  native: NativeKernels,
  backend: WasmBackend,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  bias: tf.TensorInfo | undefined,
  geometry: ConvolutionGeometry,
  turned = false,
): tf.TensorInfo {
  const [inputs, outputs] = turned ? filter.shape.slice(-2).reverse() : filter.shape.slice(-2)
  const channels = { batch: x.shape[0]!, inputs: inputs!, outputs: outputs! }
  const output = backend.makeOutput([channels.batch, ...geometry.outputSize, outputs!], 'float32')
  withSizes(backend, geometry, channels, blocks(geometry, channels, native.threads), (sizes) => {
    const lengths = [
      native.winogradFilterBytes(sizes) / 4,
      (native.winogradScratchBytes(sizes) / 4) * native.threads,
      FILTER_SCRATCH * native.threads,
    ]
    withScratch(backend, lengths, ([transformed, scratch, filterScratch]) => {
      const panels = {
        shares: depthOf(geometry) * Math.ceil(outputs! / 8),
        operations: FILTER_OPERATIONS * tf.util.sizeFromShape(filter.shape),
      }
      const at = pointer(backend, filter)
      native.divide('winogradFilter', panels, sizes, at, Number(turned), transformed!, filterScratch!)
      native.divide(
        'winogradConvolution',
        { shares: native.winogradShares(sizes), operations: products(geometry, channels) },
        sizes,
        pointer(backend, x),
        transformed!,
        bias ? pointer(backend, bias) : 0,
        pointer(backend, output),
        scratch!,
      )
    })
  })
  return output
}

/**
 * The gradient with respect to the input: the filter, turned round, runs over dy.
 *
 * @param dy `[N, *outputSize, out]`
 * @param filter `[*kernel, in, out]`
 * @returns `[N, *inputSize, in]`
 */
export function winogradInputGradient(
  native: NativeKernels,
  backend: WasmBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  geometry: ConvolutionGeometry,
): tf.TensorInfo {
  const { kernel, inputSize, outputSize, padBefore } = geometry
  const backward = {
    ...geometry,
    inputSize: outputSize,
    outputSize: inputSize,
    padBefore: kernel.map((size, axis) => size - 1 - padBefore[axis]!),
  }
  return winogradConvolution(native, backend, dy, filter, undefined, backward, true)
}

/**
 * @param x `[N, *inputSize, in]`
 * @param dy `[N, *outputSize, out]`
 * @returns `[*kernel, in, out]`
 */
export function winogradFilterGradient(
  native: NativeKernels,
  backend: WasmBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  geometry: ConvolutionGeometry,
): tf.TensorInfo {
  const channels = { batch: x.shape[0]!, inputs: x.shape.at(-1)!, outputs: dy.shape.at(-1)! }
  const gradient = backend.makeOutput([...geometry.kernel, channels.inputs, channels.outputs], 'float32')
  const gradientSize = tf.util.sizeFromShape(gradient.shape)
  const depth = depthOf(geometry)
  const planes = outputPlanes(geometry)
  const tiles = tilesOf(geometry, channels.batch)
  const tileBytes = 36 * 4 * ((planes + depth - 1) * channels.inputs + planes * channels.outputs)
  const block = Math.min(tiles, Math.max(8, Math.floor(GRADIENT_BYTES / tileBytes)))
  withSizes(backend, geometry, channels, { tiles: block, planes }, (sizes) => {
    const at = (tensor: tf.TensorInfo): number => pointer(backend, tensor)
    const lengths = [
      native.winogradFilterBytes(sizes) / 4,
      native.winogradGradientBytes(sizes) / 4,
      (native.winogradTileBytes(sizes) / 4) * native.threads,
      FILTER_SCRATCH * native.threads,
    ]
    withScratch(backend, lengths, ([ofFilter, ofTiles, scratch, filterScratch]) => {
      const ofBlock = { shares: block * (planes + depth - 1), operations: block * tileBytes }
      const ofProducts = { shares: 36 * depth, operations: (products(geometry, channels) * block) / tiles }
      for (let index = 0; index * block < tiles; index++) {
        native.divide('winogradGradientTiles', ofBlock, sizes, at(x), at(dy), ofTiles!, index, scratch!)
        native.divide('winogradGradientProducts', ofProducts, sizes, ofTiles!, ofFilter!, index)
      }
      const rows = { shares: depth * channels.inputs, operations: FILTER_OPERATIONS * gradientSize }
      native.divide('winogradGradientFilter', rows, sizes, ofFilter!, at(gradient), filterScratch!)
    })
  })
  return gradient
}

/** As many tiles and planes as stay in the cache, but enough blocks for all threads. */
function blocks(
  geometry: ConvolutionGeometry,
  { batch, inputs, outputs }: { readonly batch: number; readonly inputs: number; readonly outputs: number },
  threads: number,
): Blocks {
  const planes = Math.max(1, Math.min(outputPlanes(geometry), 8))
  const rowBytes = 36 * 4 * (inputs * (1 + (depthOf(geometry) - 1) / planes) + outputs)
  const rows = Math.max(16, Math.floor(BLOCK_BYTES / rowBytes))
  const tiles = tilesOf(geometry, batch)
  const chunks = Math.ceil(outputPlanes(geometry) / planes)
  const forThreads = Math.ceil((tiles * chunks) / (4 * threads))
  const count = Math.max(1, Math.min(Math.floor(rows / planes), forThreads, tiles))
  return { tiles: planes === 1 ? Math.ceil(count / 4) * 4 : count, planes }
}

/** Multiply-adds, about: a quarter of the direct convolution's. */
function products(
  { kernel, outputSize }: ConvolutionGeometry,
  { batch, inputs, outputs }: { readonly batch: number; readonly inputs: number; readonly outputs: number },
): number {
  return (batch * inputs * outputs * tf.util.sizeFromShape([...kernel, ...outputSize])) / 4
}

function depthOf({ kernel }: ConvolutionGeometry): number {
  return kernel.length === 3 ? kernel[0]! : 1
}

function outputPlanes({ outputSize }: ConvolutionGeometry): number {
  return outputSize.length === 3 ? outputSize[0]! : 1
}
