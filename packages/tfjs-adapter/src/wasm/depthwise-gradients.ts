// Gradients of depthwise 2D convolutions for TF.js' wasm backend, which has none: composed of operations that it has right.
// (Never of dilated ones: TF.js refuses those before it asks for a kernel.)
// Layouts are TF.js' own: x [N, H, W, C], filter [kernel, kernel, C, multiplier], dy [N, H', W', C · multiplier].
import * as tf from '@tensorflow/tfjs-core'
import { spreadZeros } from '../operations/every-nth'

type Info = ReturnType<typeof tf.backend_util.computeConv2DInfo>

export const depthwiseGradients: tf.KernelConfig[] = [
  {
    kernelName: tf.DepthwiseConv2dNativeBackpropFilter,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const { x, dy } = inputs as unknown as { x: tf.Tensor4D; dy: tf.Tensor4D }
      const attributes = attrs as unknown as tf.DepthwiseConv2dNativeBackpropFilterAttrs
      const info = geometry(x.shape, attributes.filterShape, attributes)
      return tf.tidy(() => filterGradient(x, dy, info))
    },
  },
  {
    kernelName: tf.DepthwiseConv2dNativeBackpropInput,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const { dy, filter } = inputs as unknown as { dy: tf.Tensor4D; filter: tf.Tensor4D }
      const attributes = attrs as unknown as tf.DepthwiseConv2dNativeBackpropInputAttrs
      const info = geometry(attributes.inputShape, filter.shape, attributes)
      return tf.tidy(() => inputGradient(dy, filter, info))
    },
  },
]

function geometry(
  inputShape: readonly number[],
  filterShape: readonly number[],
  attributes: tf.DepthwiseConv2dNativeBackpropInputAttrs | tf.DepthwiseConv2dNativeBackpropFilterAttrs,
): Info {
  const { strides, dilations, pad, dimRoundingMode } = attributes
  type Four = [number, number, number, number]
  return tf.backend_util.computeConv2DInfo(
    inputShape as Four,
    filterShape as Four,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    true,
  )
}

/** For each offset in the kernel: (input seen at that offset) · dy, summed over voxels. */
function filterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, info: Info): tf.Tensor {
  const { batchSize, inChannels, outHeight, outWidth, strideHeight, strideWidth } = info
  const multiplier = info.outChannels / inChannels
  const padded = tf.pad(x, [[0, 0], ...padding(info), [0, 0]])
  const gradients = tf.reshape(dy, [batchSize * outHeight * outWidth, inChannels, multiplier])
  const rows: tf.Tensor[] = []
  for (let row = 0; row < info.filterHeight; row++) {
    for (let column = 0; column < info.filterWidth; column++) {
      const seen = tf.stridedSlice(
        padded,
        [0, row, column, 0],
        [
          batchSize,
          row + (outHeight - 1) * strideHeight + 1,
          column + (outWidth - 1) * strideWidth + 1,
          inChannels,
        ],
        [1, strideHeight, strideWidth, 1],
      )
      const products = tf.mul(tf.reshape(seen, [-1, inChannels, 1]), gradients)
      rows.push(tf.sum(products, 0))
    }
  }
  return tf.reshape(tf.stack(rows), [info.filterHeight, info.filterWidth, inChannels, multiplier])
}

/** The filter, turned round, runs over dy with zeros between its values; once for each multiple of the channels. */
function inputGradient(dy: tf.Tensor4D, filter: tf.Tensor4D, info: Info): tf.Tensor {
  const { inChannels, inHeight, inWidth, outHeight, outWidth } = info
  const multiplier = info.outChannels / inChannels
  const extent = [info.filterHeight - 1, info.filterWidth - 1] as const
  const [[top], [left]] = padding(info)
  const before = [extent[0] - top, extent[1] - left] as const
  const spreadLength = [
    (outHeight - 1) * info.strideHeight + 1,
    (outWidth - 1) * info.strideWidth + 1,
  ] as const
  const parts = tf.unstack(tf.reshape(dy, [-1, outHeight, outWidth, inChannels, multiplier]), 4)
  const filters = tf.unstack(turnRound(filter), 3)
  const sums = parts.map((part, index) => {
    const spread = spreadZeros(spreadZeros(part, 1, info.strideHeight), 2, info.strideWidth)
    const around = [inHeight, inWidth].map((size, axis): [number, number] => [
      before[axis]!,
      size + extent[axis]! - before[axis]! - spreadLength[axis]!,
    ])
    const padded = padOrCrop(spread, around)
    const turned = tf.expandDims(filters[index]!, 3) as tf.Tensor4D
    return tf.depthwiseConv2d(padded, turned, 1, 'valid')
  })
  return sums.length === 1 ? sums[0]! : tf.addN(sums)
}

/** Zeros around the input that the convolution reads. */
function padding(info: Info): [[number, number], [number, number]] {
  const { top, left } = info.padInfo
  const reach = (out: number, stride: number, kernel: number): number => (out - 1) * stride + kernel
  const bottom = reach(info.outHeight, info.strideHeight, info.filterHeight) - info.inHeight - top
  const right = reach(info.outWidth, info.strideWidth, info.filterWidth) - info.inWidth - left
  return [
    [top, Math.max(bottom, 0)],
    [left, Math.max(right, 0)],
  ]
}

/** A negative amount crops. */
function padOrCrop(tensor: tf.Tensor, around: readonly [number, number][]): tf.Tensor4D {
  const grow = around.map(([before, after]): [number, number] => [Math.max(before, 0), Math.max(after, 0)])
  const padded = tf.pad(tensor, [[0, 0], ...grow, [0, 0]])
  const begin = around.map(([before]) => Math.max(-before, 0))
  const size = around.map(
    ([before, after], axis) => padded.shape[axis + 1]! + Math.min(before, 0) + Math.min(after, 0),
  )
  return tf.slice(padded, [0, ...begin, 0], [padded.shape[0]!, ...size, padded.shape[3]!]) as tf.Tensor4D
}

function turnRound(filter: tf.Tensor4D): tf.Tensor4D {
  const list = tf.unstack(tf.reshape(filter, [-1, ...filter.shape.slice(2)]))
  return tf.reshape(tf.stack(list.reverse()), filter.shape)
}
