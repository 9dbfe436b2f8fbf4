// Convolutions of stride 1 with planes of 3×3, in 2D or 3D, by our own module: assembly/winograd.ts.
import type * as tf from '@tensorflow/tfjs-core'
import type { ConvolutionGeometry } from './convolution-geometry'
import { type Blocks, tilesOf, withSizes } from './convolution-sizes'
import { type NativeKernels, pointer, type WasmBackend, withScratch } from './native'

/** Bytes of a block's transformed inputs and outputs, which should stay in a second-level cache. */
const BLOCK_BYTES = 512 * 1024
/** Bytes of the transformed tiles that a filter's gradient is summed over at a time. */
const GRADIENT_BYTES = 4 * 1024 * 1024
/** Floats of scratch that a thread needs to transform filters. */
const FILTER_SCRATCH = 45 * 4

/** Whether the functions below compute this convolution. */
export function isWinograd({ kernel, stride, dilation }: ConvolutionGeometry): boolean {
  const planes = kernel.slice(-2)
  return planes.every((size) => size === 3) && [...stride, ...dilation].every((step) => step === 1)
}

/**
 * @param x `[N, *inputSize, in]`
 * @param filter `[*kernel, in, out]`
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
): tf.TensorInfo {
  const [inputs, outputs] = filter.shape.slice(-2) as [number, number]
  const channels = { batch: x.shape[0]!, inputs, outputs }
  const output = backend.makeOutput([channels.batch, ...geometry.outputSize, outputs], 'float32')
  withSizes(backend, geometry, channels, blocks(geometry, channels, native.threads), (sizes) => {
    const lengths = [
      native.winogradFilterSize(sizes),
      (native.winogradScratchBytes(sizes) / 4) * native.threads,
      FILTER_SCRATCH * native.threads,
    ]
    withScratch(backend, lengths, ([transformed, scratch, filterScratch]) => {
      const rows = depthOf(geometry) * Math.ceil(inputs / 4) * 4
      native.divide('winogradFilter', rows, sizes, pointer(backend, filter), transformed!, filterScratch!)
      native.divide(
        'winogradConvolution',
        native.winogradShares(sizes),
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
  const [inputs, outputs] = filter.shape.slice(-2) as [number, number]
  const turned = backend.makeOutput([...kernel, outputs, inputs], 'float32')
  const taps = kernel.reduce((product, size) => product * size, 1)
  native.divide('turnFilter', taps, pointer(backend, filter), pointer(backend, turned), taps, inputs, outputs)
  const gradient = winogradConvolution(native, backend, dy, turned, undefined, {
    ...geometry,
    inputSize: outputSize,
    outputSize: inputSize,
    padBefore: kernel.map((size, axis) => size - 1 - padBefore[axis]!),
  })
  backend.disposeData(turned.dataId)
  return gradient
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
  const depth = depthOf(geometry)
  const planes = outputPlanes(geometry)
  const tiles = tilesOf(geometry, channels.batch)
  const tileBytes = 36 * 4 * ((planes + depth - 1) * channels.inputs + planes * channels.outputs)
  const block = Math.min(tiles, Math.max(8, Math.floor(GRADIENT_BYTES / tileBytes)))
  withSizes(backend, geometry, channels, { tiles: block, planes }, (sizes) => {
    const at = (tensor: tf.TensorInfo): number => pointer(backend, tensor)
    const lengths = [
      native.winogradFilterSize(sizes),
      native.winogradGradientBytes(sizes) / 4,
      (native.winogradTileBytes(sizes) / 4) * native.threads,
      FILTER_SCRATCH * native.threads,
    ]
    withScratch(backend, lengths, ([ofFilter, ofTiles, scratch, filterScratch]) => {
      for (let index = 0; index * block < tiles; index++) {
        const shares = block * (planes + depth - 1)
        native.divide('winogradGradientTiles', shares, sizes, at(x), at(dy), ofTiles!, index, scratch!)
        native.divide('winogradGradientProducts', 36 * depth, sizes, ofTiles!, ofFilter!, index)
      }
      const rows = depth * channels.inputs
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
  const planes = Math.min(outputPlanes(geometry), 8)
  const rowBytes = 36 * 4 * (inputs * (1 + (depthOf(geometry) - 1) / planes) + outputs)
  const rows = Math.max(8, Math.floor(BLOCK_BYTES / rowBytes))
  const tiles = tilesOf(geometry, batch)
  const chunks = Math.ceil(outputPlanes(geometry) / planes)
  const forThreads = Math.ceil((tiles * chunks) / (4 * threads))
  const count = Math.max(1, Math.min(Math.floor(rows / planes), forThreads, tiles))
  return { tiles: planes === 1 ? Math.ceil(count / 4) * 4 : count, planes }
}

function depthOf({ kernel }: ConvolutionGeometry): number {
  return kernel.length === 3 ? kernel[0]! : 1
}

function outputPlanes({ outputSize }: ConvolutionGeometry): number {
  return outputSize.length === 3 ? outputSize[0]! : 1
}
