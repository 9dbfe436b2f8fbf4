import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, expect, it } from 'vitest'
import { openBackend } from '../backend'

beforeAll(async () => {
  await openBackend({ backend: 'wasm' })
})

const random = (shape: number[], seed: number): tf.Tensor => tf.randomNormal(shape, 0, 1, 'float32', seed)

it('refuses images with channels first, as TF.js does on wasm', () => {
  const [x, filter] = [random([1, 4, 6, 5], 1), random([3, 3, 4, 2], 2)]
  expect(() => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same', 'NCHW')).toThrow(/NCHW/)
})

it('leaves a bias that is no value for each channel to TF.js, which refuses it', () => {
  const x = random([1, 4, 4, 2], 1) as tf.Tensor4D
  const filter = random([3, 3, 2, 5], 2) as tf.Tensor4D
  const convolve = (bias: tf.Tensor): tf.Tensor =>
    tf.fused.conv2d({ x, filter, strides: 1, pad: 'same', bias })
  expect(() => convolve(tf.scalar(1))).toThrow(/bias/)
  expect(() => convolve(tf.tensor1d([1]))).toThrow(/bias/)
  expect(convolve(tf.ones([5])).shape).toEqual([1, 4, 4, 5])
})

it('refuses volumes of whole numbers, which TF.js takes for floats', () => {
  const filter = random([3, 3, 3, 2, 5], 2) as tf.Tensor5D
  const x = tf.ones([1, 4, 4, 4, 2], 'int32') as tf.Tensor5D
  for (const stride of [1, 2]) expect(() => tf.conv3d(x, filter, stride, 'same')).toThrow(/int32.*tf\.cast/)
})

it('gives an empty output where the kernel of a volume is larger than it', () => {
  const x = tf.ones([1, 2, 2, 2, 2]) as tf.Tensor5D
  expect(tf.conv3d(x, tf.ones([3, 3, 3, 2, 4]) as tf.Tensor5D, 1, 'valid').shape).toEqual([1, 0, 0, 0, 4])
})

it('pools an empty batch of volumes', () => {
  expect(tf.maxPool3d(tf.zeros([0, 4, 4, 4, 2]) as tf.Tensor5D, 2, 2, 'same').shape).toEqual([0, 2, 2, 2, 2])
})

it.each([
  { kernel: 1, stride: 1 },
  { kernel: 2, stride: 1 },
  { kernel: 3, stride: 1 },
  { kernel: 3, stride: 2 },
])(
  'an empty batch gives a filter a gradient of zeros, kernel $kernel, stride $stride',
  ({ kernel, stride }) => {
    const gradient = tf.grad((filter: tf.Tensor) =>
      tf.conv2d(tf.zeros([0, 5, 5, 2]) as tf.Tensor4D, filter as tf.Tensor4D, stride, 'same'),
    )(random([kernel, kernel, 2, 3], 1))
    expect([...gradient.dataSync()]).toEqual(Array(kernel * kernel * 6).fill(0))
  },
)

it.each([
  { shape: [3, 0], axis: [0], sum: [] },
  { shape: [0, 3], axis: [0], sum: [0, 0, 0] },
  { shape: [2, 0], axis: [1], sum: [0, 0] },
  { shape: [0, 3], axis: [0, 1], sum: [0] },
  { shape: [0, 5000], axis: [0], sum: Array(5000).fill(0) },
])('sum of $shape over $axis, of nothing, is zero', ({ shape, axis, sum }) => {
  for (const dtype of ['float32', 'int32'] as const) {
    // Memory that is taken again is not zero.
    tf.dispose([tf.fill([8], 7), tf.fill([1], 7), tf.fill([3], 7), tf.fill([5000], 7)])
    const found = tf.sum(tf.zeros(shape, dtype), axis)
    expect([...found.dataSync()]).toEqual(sum)
    expect(found.dtype).toBe(dtype)
    const kept = tf.sum(tf.zeros(shape, dtype), axis, true)
    expect(kept.shape).toEqual(shape.map((length, index) => (axis.includes(index) ? 1 : length)))
  }
})

it.each([
  ['max', (x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'), [1, 8, 1, 2]],
  ['average', (x: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, 2, 2, 'valid'), [1, 8, 1, 2]],
  ['max, of volumes', (x: tf.Tensor) => tf.maxPool3d(x as tf.Tensor5D, 2, 2, 'valid'), [1, 4, 4, 1, 2]],
  ['average, of volumes', (x: tf.Tensor) => tf.avgPool3d(x as tf.Tensor5D, 2, 2, 'valid'), [1, 4, 4, 1, 2]],
  ['max, of no image', (x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'same'), [0, 8, 8, 2]],
  ['average, of no image', (x: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, 2, 2, 'same'), [0, 8, 8, 2]],
])('windows that find no place give nothing, and a gradient of zeros: %s', (_, pool, shape) => {
  const x = random(shape, 1)
  expect(pool(x).size).toBe(0)
  expect([...tf.grad(pool)(x).dataSync()]).toEqual(Array(x.size).fill(0))
})

it('refuses windows that are larger still', () => {
  const x = random([1, 8, 1, 2], 1) as tf.Tensor4D
  for (const pool of [tf.maxPool, tf.avgPool]) {
    expect(() => pool(x, 4, 1, 'valid')).toThrow(
      /found an image of 8 × 1; expected one that holds windows of 4 × 4/,
    )
  }
})
