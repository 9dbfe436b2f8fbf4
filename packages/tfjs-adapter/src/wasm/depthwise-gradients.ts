// Gradients of depthwise 2D convolutions for TF.js' wasm backend, which has none: composed of operations that it has right.
// Never of dilated ones: operations/missing-gradients.ts makes plain ones of them.
// Layouts are TF.js' own: x [N, H, W, C], filter [kernel, kernel, C, multiplier], dy [N, H', W', C · multiplier].
import * as tf from '@tensorflow/tfjs-core'
import { type ConvolutionGeometry, forwardPadding, geometry2d } from '../operations/convolution-geometry'
import { offsets, padOrCrop, seenAt, spreadOutput, turnRound } from './composed-convolution'

export const depthwiseGradients: tf.KernelConfig[] = [
  {
    kernelName: tf.DepthwiseConv2dNativeBackpropFilter,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const { x, dy } = inputs as unknown as Record<'x' | 'dy', tf.Tensor>
      const attributes = attrs as unknown as tf.DepthwiseConv2dNativeBackpropFilterAttrs
      const geometry = geometry2d(x.shape, attributes.filterShape, attributes)
      return tf.tidy(() => filterGradient(x, dy, geometry))
    },
  },
  {
    kernelName: tf.DepthwiseConv2dNativeBackpropInput,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const { dy, filter } = inputs as unknown as Record<'dy' | 'filter', tf.Tensor>
      const attributes = attrs as unknown as tf.DepthwiseConv2dNativeBackpropInputAttrs
      const geometry = geometry2d(attributes.inputShape, filter.shape, attributes)
      return tf.tidy(() => inputGradient(dy, filter, geometry))
    },
  },
]

/** For each offset in the kernel: (input seen at that offset) · dy, summed over voxels. */
function filterGradient(x: tf.Tensor, dy: tf.Tensor, geometry: ConvolutionGeometry): tf.Tensor {
  const channels = x.shape.at(-1)!
  const multiplier = dy.shape.at(-1)! / channels
  const padded = tf.pad(x, [[0, 0], ...forwardPadding(geometry), [0, 0]])
  const gradients = tf.reshape(dy, [-1, channels, multiplier])
  const rows = offsets(geometry.kernel).map((offset) => {
    const seen = tf.reshape(seenAt(padded, offset, geometry), [-1, channels, 1])
    return tf.sum(tf.mul(seen, gradients), 0)
  })
  return tf.reshape(tf.stack(rows), [...geometry.kernel, channels, multiplier])
}

/** The filter, turned round, runs over dy with zeros between its values; once for each multiple of the channels. */
function inputGradient(dy: tf.Tensor, filter: tf.Tensor, geometry: ConvolutionGeometry): tf.Tensor {
  const [channels, multiplier] = filter.shape.slice(-2) as [number, number]
  const parts = tf.unstack(tf.reshape(dy, [...dy.shape.slice(0, -1), channels, multiplier]), -1)
  const filters = tf.split(turnRound(filter, 2), multiplier, -1)
  const sums = parts.map((part, index) => {
    const { spread, around } = spreadOutput(part, geometry)
    const padded = padOrCrop(spread, around)
    return tf.depthwiseConv2d(padded as tf.Tensor4D, filters[index] as tf.Tensor4D, 1, 'valid')
  })
  return sums.length === 1 ? sums[0]! : tf.addN(sums)
}
