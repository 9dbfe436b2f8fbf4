import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { expectClose } from '../../../../scripts/expect-close'
import { openBackend } from '../backend'
import { checkGradient, normalVariable } from '../gradient-self-test'
import { registerMissingGradients } from './missing-gradients'

type Operation = (...inputs: never[]) => tf.Tensor

/** Operations by name, with the shapes of what they read. */
const operations: Record<string, [Operation, ...number[][]]> = {
  'conv2d, dilation 2, same': [
    (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.conv2d(x, filter, 1, 'same', 'NHWC', 2),
    [2, 7, 8, 3],
    [3, 3, 3, 5],
  ],
  'conv2d, dilation 3 × 1, even kernel, valid': [
    (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.conv2d(x, filter, 1, 'valid', 'NHWC', [3, 1]),
    [1, 9, 6, 2],
    [2, 3, 2, 4],
  ],
  'conv2d, dilation 2, padded unevenly': [
    (x: tf.Tensor4D, filter: tf.Tensor4D) =>
      tf.conv2d(
        x,
        filter,
        1,
        [
          [0, 0],
          [1, 3],
          [0, 2],
          [0, 0],
        ],
        'NHWC',
        2,
      ),
    [1, 6, 7, 2],
    [3, 2, 2, 3],
  ],
  'conv3d, dilation 2, same': [
    (x: tf.Tensor5D, filter: tf.Tensor5D) => tf.conv3d(x, filter, 1, 'same', 'NDHWC', 2),
    [1, 5, 6, 7, 2],
    [3, 3, 3, 2, 3],
  ],
  'conv3d, dilation 1 × 2 × 3, valid': [
    (x: tf.Tensor5D, filter: tf.Tensor5D) => tf.conv3d(x, filter, 1, 'valid', 'NDHWC', [1, 2, 3]),
    [1, 4, 7, 9, 2],
    [2, 3, 3, 2, 2],
  ],
  'depthwise convolution, dilation 2': [
    (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.depthwiseConv2d(x, filter, 1, 'same', 'NHWC', 2),
    [2, 7, 6, 3],
    [3, 3, 3, 2],
  ],
  'transposed 3D convolution': [
    (x: tf.Tensor5D, filter: tf.Tensor5D) => tf.conv3dTranspose(x, filter, [1, 8, 6, 4, 3], 2, 'same'),
    [1, 4, 3, 2, 2],
    [3, 3, 3, 3, 2],
  ],
  'average pool over the border': [(x: tf.Tensor4D) => tf.avgPool(x, [3, 4], [2, 1], 'same'), [2, 7, 6, 3]],
  'average pool that reaches over one side': [(x: tf.Tensor4D) => tf.avgPool(x, 2, 2, 'same'), [1, 5, 4, 2]],
  'average pool inside': [(x: tf.Tensor4D) => tf.avgPool(x, 3, 2, 'valid'), [1, 7, 6, 2]],
  'average pool, padded in numbers': [(x: tf.Tensor4D) => tf.avgPool(x, 3, 2, 1, 'floor'), [1, 6, 7, 2]],
  'average pool, padded unevenly': [
    (x: tf.Tensor4D) =>
      tf.avgPool(
        x,
        [3, 2],
        2,
        [
          [0, 0],
          [2, 0],
          [0, 1],
          [0, 0],
        ],
        'floor',
      ),
    [1, 7, 5, 2],
  ],
  'average pool of volumes, padded in numbers': [
    (x: tf.Tensor5D) => tf.avgPool3d(x, 3, 2, 1, 'floor'),
    [1, 4, 5, 6, 2],
  ],
  'average pool of volumes at strides beyond the window': [
    (x: tf.Tensor5D) => tf.avgPool3d(x, [1, 2, 1], [2, 3, 3], 'same'),
    [1, 4, 8, 6, 2],
  ],
  'average pool of volumes over the border': [
    (x: tf.Tensor5D) => tf.avgPool3d(x, 3, [1, 2, 2], 'same'),
    [1, 4, 5, 6, 2],
  ],
  'cumulative sum along the first axis': [(x: tf.Tensor) => tf.cumsum(x, 0), [4, 3, 2]],
  'cumulative sum along the second axis, exclusive, reversed': [
    (x: tf.Tensor) => tf.cumsum(x, 1, true, true),
    [4, 3, 2],
  ],
  'tile of five axes': [(x: tf.Tensor) => tf.tile(x, [2, 1, 3, 1, 2]), [2, 3, 1, 2, 3]],
}

// Opening a backend registers them, whichever it is.
describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  beforeAll(async () => {
    await openBackend({ backend })
  })

  it.each(Object.entries(operations))('%s', async (name, [operation, ...shapes]) => {
    const tensors = tf.memory().numTensors
    await checkGradient(name, () => {
      const variables = shapes.map(normalVariable)
      return {
        variables,
        compute: () => operation(...(variables as never[])),
        dispose: () => tf.dispose(variables),
      }
    })
    expect(tf.memory().numTensors).toBe(tensors)
  })

  it('are back where a package has registered those of TF.js again', async () => {
    const ours = tf.getGradient(tf.Tile)
    tf.registerGradient({ ...ours, gradFunc: () => expect.unreachable() })
    await openBackend({ backend })
    expect(tf.getGradient(tf.Tile)).toEqual(ours)
  })

  it('leaves gradients without dilation to TF.js', async () => {
    const stock = tf.getGradient(tf.Conv2D)
    registerMissingGradients()
    expect(tf.getGradient(tf.Conv2D)).toBe(stock)
    const x = tf.ones([1, 4, 4, 1]) as tf.Tensor4D
    const gradient = tf.grad((image) => tf.conv2d(image as tf.Tensor4D, tf.ones([2, 2, 1, 1]), 2, 'valid'))(x)
    expect([...gradient.dataSync()]).toEqual(Array(16).fill(1))
  })
})

it.each(Object.entries(operations))(
  '%s gives on wasm what it gives on cpu',
  async (_, [operation, ...shapes]) => {
    const values = async (backend: string): Promise<ArrayLike<number>> => {
      await openBackend({ backend })
      const variables = shapes.map(normalVariable)
      const output = tf.tidy(() => operation(...(variables as never[])))
      const data = await output.data()
      tf.dispose([output, ...variables])
      return data
    }
    expectClose(await values('wasm'), await values('cpu'), 1e-5)
  },
)
