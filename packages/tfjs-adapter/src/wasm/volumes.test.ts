import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { relativeError } from '../../../../scripts/expect-close'
import { openBackend } from '../backend'

beforeAll(async () => {
  await openBackend({ backend: 'cpu' })
  await openBackend({ backend: 'wasm' })
})

/** Computes on both backends; tensors are made inside, so that each backend has its own. */
async function expectSameOnCpu(compute: () => tf.Tensor): Promise<void> {
  const on = async (backend: string): Promise<Float32Array> => {
    await tf.setBackend(backend)
    const before = tf.memory().numTensors
    const result = tf.tidy(compute)
    const values = result.dataSync().slice() as Float32Array
    result.dispose()
    expect(tf.memory().numTensors).toBe(before)
    return values
  }
  const expected = await on('cpu')
  expect(relativeError(await on('wasm'), expected)).toBeLessThan(2e-6)
}

const random = (shape: number[], seed: number): tf.Tensor => tf.randomNormal(shape, 0, 1, 'float32', seed)

describe('convolutions of volumes on wasm equal the cpu backend', () => {
  const cases = (['same', 'valid'] as const).flatMap((padding) =>
    [
      { kernel: [3, 3, 3], inputs: 2, outputs: 5 },
      { kernel: [3, 3, 3], inputs: 16, outputs: 8 },
      { kernel: [1, 1, 1], inputs: 4, outputs: 6 },
      { kernel: [2, 3, 1], inputs: 3, outputs: 4 },
    ].flatMap((each) => [1, 2].map((stride) => ({ ...each, padding, stride }))),
  )
  it.each(cases)('kernel $kernel, $inputs → $outputs, stride $stride, $padding', async (each) => {
    const { kernel, inputs, outputs, padding, stride } = each
    await expectSameOnCpu(() => {
      const x = random([2, 6, 5, 7, inputs], 1) as tf.Tensor5D
      const filter = random([...kernel, inputs, outputs], 2) as tf.Tensor5D
      return tf.conv3d(x, filter, stride, padding)
    })
  })
})

it.each([
  [
    [0, 1, 2, 1, 0],
    [2, 3, 2, 4, 3],
  ],
  [
    [1, 0, 0, 0, 1],
    [1, 5, 4, 6, 2],
  ],
  [
    [0, 2, 0, 0, 0],
    [2, -1, -1, -1, 3],
  ],
  [
    [1, 1, 1, 1, 1],
    [1, 2, 3, 4, 1],
  ],
])('the part from %j on, of size %j, is the same on both', async (begin, size) => {
  await expectSameOnCpu(() => tf.slice(random([2, 5, 4, 6, 3], 1), begin, size))
})
