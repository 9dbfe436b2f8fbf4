// Kernels that TF.js' wasm backend computes rightly but slowly, done directly where our own code can.
import * as tf from '@tensorflow/tfjs-core'
import { type ConvolutionGeometry, geometry2d, geometry3d } from '../operations/convolution-geometry'
import { joinPhases, phasePadding, splitPhases } from '../operations/phases'
import { columnSums } from './column-sums'
import { type NativeKernels, nativeKernels, pointer, type WasmBackend } from './native'
import { ownConvolution } from './own-convolution'
import { volumeConvolution } from './volume-convolution'
import { volumeSlice } from './volume-slice'

/** A faster way for some calls of a kernel; undefined leaves the call to TF.js. */
interface Acceleration {
  readonly kernelName: string
  readonly run: (
    native: NativeKernels,
    backend: WasmBackend,
    inputs: tf.NamedTensorInfoMap,
    attrs: unknown,
  ) => tf.TensorInfo | tf.TensorInfo[] | undefined
}

/** TF.js' kernel with the faster way before it. */
export function accelerated(stock: tf.KernelConfig, { run }: Acceleration): tf.KernelConfig {
  return {
    ...stock,
    kernelFunc: (args) => {
      const backend = args.backend as WasmBackend
      const native = nativeKernels(backend)
      return (native && run(native, backend, args.inputs, args.attrs)) ?? stock.kernelFunc(args)
    },
  }
}

/** Columns up to which sums over rows are worth while here. */
const MOST_COLUMNS = 4096

/** Sum over the first axes, e.g. a bias's gradient: TF.js transposes the whole tensor first. */
const leadingSum: Acceleration = {
  kernelName: tf.Sum,
  run: (native, backend, inputs, attrs) => {
    const x = inputs.x!
    const { axis, keepDims } = attrs as tf.SumAttrs
    const axes = tf.util.parseAxisParam(axis, x.shape).sort((a, b) => a - b)
    const leading = axes.length < x.shape.length && axes.every((value, index) => value === index)
    if (!leading || x.dtype !== 'float32') return undefined
    const shape = x.shape.slice(axes.length)
    const columns = tf.util.sizeFromShape(shape)
    if (columns > MOST_COLUMNS) return undefined
    const output = backend.makeOutput(shape, 'float32')
    const sums = columnSums(native, backend, x, columns)
    new Float32Array(backend.wasm.HEAPU8.buffer, pointer(backend, output), columns).set(sums)
    return keepDims ? { ...output, shape: [...axes.map(() => 1), ...shape] } : output
  },
}

/** Split along the last axis, e.g. the gradient of a concatenation of channels. */
const channelSplit: Acceleration = {
  kernelName: tf.SplitV,
  run: (native, backend, inputs, attrs) => {
    const x = inputs.x!
    const { numOrSizeSplits, axis } = attrs as tf.SplitVAttrs
    const last = x.shape.length - 1
    if ((axis !== last && axis !== -1) || x.dtype !== 'float32') return undefined
    const channels = x.shape[last]!
    const rows = tf.util.sizeFromShape(x.shape) / channels
    let start = pointer(backend, x)
    return tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, last).map((columns) => {
      const part = backend.makeOutput([...x.shape.slice(0, last), columns], 'float32')
      native.copyColumns(start, pointer(backend, part), rows, channels, columns)
      start += columns * Float32Array.BYTES_PER_ELEMENT
      return part
    })
  },
}

const convolution: Acceleration = {
  kernelName: tf.Conv2D,
  run: (native, backend, { x, filter }, attrs) => {
    const geometry = geometry2d(x!.shape, filter!.shape, attrs as tf.Conv2DAttrs)
    return ownConvolution(native, backend, x!, filter!, undefined, geometry)
  },
}

const fusedConvolution: Acceleration = {
  kernelName: tf.FusedConv2D,
  run: (native, backend, { x, filter, bias }, attrs) => {
    const attributes = attrs as tf.FusedConv2DAttrs
    const geometry = geometry2d(x!.shape, filter!.shape, attributes)
    const outputs = filter!.shape.at(-1)!
    const plain =
      (attributes.activation == null || attributes.activation === 'linear') &&
      (!bias || tf.util.arraysEqual(bias.shape, [outputs]))
    return plain ? ownConvolution(native, backend, x!, filter!, bias, geometry) : undefined
  },
}

/** Parts of volumes, e.g. a crop. */
const slices: Acceleration = {
  kernelName: tf.Slice,
  run: (_native, _backend, inputs, attrs) => {
    const x = inputs.x as tf.Tensor
    if (x.shape.length <= 4 || x.dtype !== 'float32') return undefined
    const { begin, size } = attrs as unknown as tf.SliceAttrs
    return volumeSlice(x, ...(tf.slice_util.parseSliceParams(x, begin, size) as [number[], number[]]))
  },
}

/** 3D convolutions of stride 1: dilated ones by phases, others plane by plane where no kernel of ours does them. */
const volumes: Acceleration = {
  kernelName: tf.Conv3D,
  run: (native, backend, { x, filter }, attrs) => {
    const geometry = geometry3d(x!.shape, filter!.shape, attrs as tf.Conv3DAttrs)
    if (geometry.stride.some((step) => step !== 1)) return undefined
    const [volume, weights] = [x as tf.Tensor, filter as tf.Tensor]
    if (geometry.dilation.some((step) => step !== 1)) {
      return tf.tidy(() => dilated(volume, weights, geometry))
    }
    return (
      ownConvolution(native, backend, x!, filter!, undefined, geometry) ??
      tf.tidy(() => volumeConvolution(volume, weights, geometry))
    )
  },
}

function dilated(x: tf.Tensor, filter: tf.Tensor, geometry: ConvolutionGeometry): tf.Tensor {
  const { dilation, outputSize } = geometry
  const phases = splitPhases(tf.pad(x, [[0, 0], ...phasePadding(geometry).image, [0, 0]]), dilation)
  const convolved = tf.conv3d(phases as tf.Tensor5D, filter as tf.Tensor5D, 1, 'valid')
  const shape = [x.shape[0]!, ...outputSize, filter.shape.at(-1)!]
  return tf.slice(joinPhases(convolved, dilation), Array(shape.length).fill(0), shape)
}

export const accelerations: readonly Acceleration[] = [
  leadingSum,
  channelSplit,
  slices,
  convolution,
  fusedConvolution,
  volumes,
]
