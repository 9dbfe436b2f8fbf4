import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { relativeError } from '../../../../scripts/expect-close'
import { openBackend } from '../backend'

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
  const line = (): tf.Tensor5D => tf.tensor5d([...Array(8).keys()], [1, 1, 1, 8, 1])
  const one = (): tf.Tensor5D => tf.ones([1, 1, 1, 1, 1])
  const convolve = (x: tf.Tensor, filter: tf.Tensor): tf.Tensor =>
    tf.conv3d(x as tf.Tensor5D, filter as tf.Tensor5D, [1, 1, 2], 'same')
  const pool = (x: tf.Tensor): tf.Tensor => tf.maxPool3d(x as tf.Tensor5D, 1, [1, 1, 2] as never, 'same')

  // As TensorFlow does; TF.js begins with the second voxel.
  it('begins with the first voxel, and so do the gradients', async () => {
    await tf.setBackend('wasm')
    const values = tf.tidy(() => {
      const gradients = tf.grads(convolve)([line(), one()])
      const tensors = [convolve(line(), one()), ...gradients, pool(line()), tf.grad(pool)(line())]
      return tensors.map((tensor) => [...tensor.dataSync()])
    })
    const first = [0, 2, 4, 6]
    const taken = [1, 0, 1, 0, 1, 0, 1, 0]
    expect(values).toEqual([first, taken, [12], first, taken])
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
