// Max pools for TF.js' wasm backend, whose own gradients and 3D pool take no maximum below the smallest positive float.
import { ValueError } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { repeatVoxels, sumBlocks } from '../operations/nearest-upsample'

export const maxPools: tf.KernelConfig[] = [
  {
    kernelName: tf.MaxPool3D,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const { filterSize, strides, pad } = attrs as unknown as tf.MaxPool3DAttrs
      const x = inputs.x as tf.Tensor
      return tf.tidy(() => pool3d(x, perAxis(filterSize, 3), perAxis(strides, 3), pad as 'same' | 'valid'))
    },
  },
  {
    kernelName: tf.MaxPoolGrad,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const { filterSize, strides } = attrs as unknown as tf.MaxPoolGradAttrs
      return gradient(inputs, perAxis(filterSize, 2), perAxis(strides, 2))
    },
  },
  {
    kernelName: tf.MaxPool3DGrad,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const { filterSize, strides } = attrs as unknown as tf.MaxPool3DGradAttrs
      return gradient(inputs, perAxis(filterSize, 3), perAxis(strides, 3))
    },
  },
]

/** A 2D pool of every plane, then one along the first axis. */
function pool3d(x: tf.Tensor, window: number[], strides: number[], pad: 'same' | 'valid'): tf.Tensor {
  const [batch, depth, height, width, channels] = x.shape as [number, number, number, number, number]
  const [windowZ, ...windowYX] = window as [number, number, number]
  const [strideZ, ...strideYX] = strides as [number, number, number]
  const planes = tf.reshape(x, [batch * depth, height, width, channels]) as tf.Tensor4D
  const pooled = tf.maxPool(planes, windowYX, strideYX, pad)
  const [, outputY, outputX] = pooled.shape
  const columns = tf.reshape(pooled, [batch, depth, outputY * outputX, channels]) as tf.Tensor4D
  const output = tf.maxPool(columns, [windowZ, 1], [strideZ, 1], pad)
  return tf.reshape(output, [batch, output.shape[1], outputY, outputX, channels])
}

/** dy goes to each window's maximum, in equal shares where several voxels have it. */
function gradient(inputs: tf.NamedTensorInfoMap, window: number[], strides: number[]): tf.Tensor {
  const { dy, input, output } = inputs as unknown as Record<'dy' | 'input' | 'output', tf.Tensor>
  const size = input.shape.slice(1, -1)
  if (String(window) !== String(strides) || size.some((length, axis) => length % window[axis]! !== 0)) {
    throw new ValueError('max-pool gradient', {
      found: `windows [${window}] with strides [${strides}] over [${size}]`,
      expected: 'windows side by side that fill the image',
      remedy: 'Pool with strides equal to the window, over sizes that it divides',
    })
  }
  return tf.tidy(() => {
    const isMaximum = tf.cast(tf.equal(input, repeatVoxels(output, window)), 'float32')
    const share = tf.div(dy, sumBlocks(isMaximum, window))
    return tf.mul(isMaximum, repeatVoxels(share, window))
  })
}

function perAxis(value: number | number[], axes: number): number[] {
  return Array.isArray(value) ? value : Array(axes).fill(value)
}
