import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { relativeError } from '../../../../scripts/expect-close'
import { openBackend } from '../backend'
import { FIRST_VOXEL, firstVoxelFindings } from '../test-programs/first-voxel'

beforeAll(async () => {
  await openBackend({ backend: 'cpu' })
  await openBackend({ backend: 'wasm' })
})

const random = (shape: [number, number, number, number], seed: number): tf.Tensor4D =>
  tf.randomNormal(shape, 0, 1, 'float32', seed)

describe("padding 'same' where strides exceed the kernel, in 2D", () => {
  const convolutions: Record<string, (x: tf.Tensor4D) => tf.Tensor> = {
    convolution: (x) => tf.conv2d(x, random([2, 1, 3, 4], 2), [3, 2], 'same'),
    'fused convolution': (x) => {
      const filter = random([1, 2, 3, 4], 2)
      const bias = tf.tensor1d([1, 2, 3, 4])
      return tf.fused.conv2d({ x, filter, strides: 3, pad: 'same', bias, activation: 'relu' })
    },
    'depthwise convolution': (x) => tf.depthwiseConv2d(x, random([2, 1, 3, 2], 2), 3, 'same'),
    'fused depthwise convolution': (x) => {
      const filter = random([1, 2, 3, 2], 2)
      return tf.fused.depthwiseConv2d({ x, filter, strides: 3, pad: 'same', activation: 'relu6' })
    },
    'dilated convolution': (x) => tf.conv2d(x, random([2, 2, 3, 4], 2), 1, 'same', 'NHWC', [1, 3]),
  }

  it.each(Object.entries(convolutions))('%s equals the cpu backend', async (_, convolve) => {
    const on = async (backend: string): Promise<Float32Array> => {
      await tf.setBackend(backend)
      return tf.tidy(() => convolve(random([2, 6, 7, 3], 1)).dataSync() as Float32Array)
    }
    const expected = await on('cpu')
    expect(relativeError(await on('wasm'), expected)).toBeLessThan(2e-6)
  })
})

describe("padding 'same' where a stride exceeds the kernel, in 3D", () => {
  it.each(['wasm', 'cpu'])('begins with the first voxel, and so do the gradients, on %s', async (backend) => {
    await tf.setBackend(backend)
    expect(await firstVoxelFindings()).toEqual(FIRST_VOXEL)
  })

  it('pads the other axes as ever', async () => {
    await tf.setBackend('wasm')
    const [whole, lines] = tf.tidy(() => {
      const x = tf.randomNormal([1, 4, 5, 3, 2], 0, 1, 'float32', 1) as tf.Tensor5D
      const filter = tf.randomNormal([3, 2, 1, 2, 3], 0, 1, 'float32', 2) as tf.Tensor5D
      const everyOther = tf.stridedSlice(x, [0, 0, 0, 0, 0], x.shape, [1, 1, 1, 2, 1]) as tf.Tensor5D
      return [tf.conv3d(x, filter, [2, 1, 2], 'same'), tf.conv3d(everyOther, filter, [2, 1, 1], 'same')].map(
        (tensor) => tensor.dataSync() as Float32Array,
      )
    })
    expect(relativeError(whole!, lines!)).toBeLessThan(2e-6)
  })
})
