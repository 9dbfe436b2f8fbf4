// Max pools for TF.js' wasm backend, whose own gradients and 3D pool take no maximum below the smallest positive float.
import * as tf from '@tensorflow/tfjs-core'
import { type ConvolutionGeometry, forwardPadding, poolGeometry } from '../operations/convolution-geometry'
import { spreadZeros } from '../operations/every-nth'
import { repeatVoxels, sumBlocks } from '../operations/nearest-upsample'
import { offsets, seenAt } from './composed-convolution'

export const maxPools: tf.KernelConfig[] = [
  {
    kernelName: tf.MaxPool3D,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const geometry = poolGeometry(inputs.x!.shape, attrs as unknown as tf.MaxPool3DAttrs)
      return tf.tidy(() => pool3d(inputs.x as tf.Tensor, geometry))
    },
  },
  ...[tf.MaxPoolGrad, tf.MaxPool3DGrad].map(
    (kernelName): tf.KernelConfig => ({
      kernelName,
      backendName: 'wasm',
      kernelFunc: ({ inputs, attrs }) =>
        gradient(inputs, poolGeometry(inputs.input!.shape, attrs as unknown as tf.MaxPoolGradAttrs)),
    }),
  ),
]

/** A 2D pool of every plane, then one along the first axis. */
function pool3d(x: tf.Tensor, geometry: ConvolutionGeometry): tf.Tensor {
  const [batch, depth, height, width, channels] = x.shape as [number, number, number, number, number]
  const [[windowZ, ...window], [strideZ, ...stride]] = [geometry.kernel, geometry.stride] as [Axes, Axes]
  const [paddingZ, ...padding] = forwardPadding(geometry)
  const planes = tf.reshape(x, [batch * depth, height, width, channels])
  const pooled = pool2d(planes, window, stride, padding)
  const [, outputY, outputX] = geometry.outputSize as Axes
  const columns = tf.reshape(pooled, [batch, depth, outputY * outputX, channels])
  const output = pool2d(columns, [windowZ, 1], [strideZ, 1], [paddingZ!, [0, 0]])
  return tf.reshape(output, [batch, ...geometry.outputSize, channels])
}

type Axes = [number, number, number]

function pool2d(
  x: tf.Tensor,
  window: [number, number],
  stride: [number, number],
  padding: [number, number][],
): tf.Tensor {
  const pad = [[0, 0], ...padding, [0, 0]] as tf.backend_util.ExplicitPadding
  return tf.maxPool(x as tf.Tensor4D, window, stride, pad, 'floor')
}

/** dy goes to each window's maximum, in equal shares where several voxels have it. */
function gradient(inputs: tf.NamedTensorInfoMap, geometry: ConvolutionGeometry): tf.Tensor {
  const { dy, input, output } = inputs as unknown as Record<'dy' | 'input' | 'output', tf.Tensor>
  const { inputSize, outputSize, padBefore, kernel: window, stride } = geometry
  const sideBySide = window.every(
    (length, axis) =>
      stride[axis] === length && padBefore[axis] === 0 && outputSize[axis]! * length === inputSize[axis],
  )
  return tf.tidy(() => {
    if (!sideBySide) return overlapping(dy, input, output, geometry)
    const isMaximum = tf.cast(tf.equal(input, repeatVoxels(output, window)), 'float32')
    const share = tf.div(dy, sumBlocks(isMaximum, window))
    return tf.mul(isMaximum, repeatVoxels(share, window))
  })
}

/** For windows of any stride: offset by offset, the voxels that all windows see there. */
function overlapping(
  dy: tf.Tensor,
  input: tf.Tensor,
  output: tf.Tensor,
  geometry: ConvolutionGeometry,
): tf.Tensor {
  const { inputSize, outputSize, stride, padBefore } = geometry
  const [batch, channels] = [input.shape[0]!, input.shape.at(-1)!]
  const around = forwardPadding(geometry)
  const padded = tf.pad(input, [[0, 0], ...around, [0, 0]], Number.NEGATIVE_INFINITY)
  const reach = outputSize.map((length, axis) => (length - 1) * stride[axis]! + 1)
  const maxima = offsets(geometry.kernel).map((offset) => {
    const seen = seenAt(padded, offset, geometry)
    return { offset, isMaximum: tf.cast(tf.equal(seen, output), 'float32') }
  })
  const share = tf.div(dy, tf.addN(maxima.map(({ isMaximum }) => isMaximum)))
  const parts = maxima.map(({ offset, isMaximum }) => {
    const spread = stride.reduce(
      (tensor, step, axis) => spreadZeros(tensor, axis + 1, step),
      tf.mul(isMaximum, share),
    )
    const rest = offset.map((before, axis): [number, number] => {
      return [before, padded.shape[axis + 1]! - before - reach[axis]!]
    })
    return tf.pad(spread, [[0, 0], ...rest, [0, 0]])
  })
  return tf.slice(tf.addN(parts), [0, ...padBefore, 0], [batch, ...inputSize, channels])
}
