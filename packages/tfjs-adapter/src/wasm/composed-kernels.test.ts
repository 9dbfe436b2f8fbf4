import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { openBackend } from '../backend'

beforeAll(async () => {
  await openBackend({ backend: 'cpu' })
  await openBackend({ backend: 'wasm' })
})

/** Both backends give the same, to rounding. */
async function expectSame(compute: () => tf.Tensor[]): Promise<void> {
  const values = async (backend: string): Promise<Float32Array[]> => {
    await tf.setBackend(backend)
    return tf.tidy(() => compute().map((tensor) => tensor.dataSync().slice() as Float32Array))
  }
  const [expected, found] = [await values('cpu'), await values('wasm')]
  for (const [index, wanted] of expected.entries()) {
    const largest = Math.max(...wanted.map(Math.abs))
    expect(largest).toBeGreaterThan(0)
    const error = wanted.map((value, at) => Math.abs(value - found[index]![at]!))
    expect(Math.max(...error) / largest).toBeLessThan(1e-5)
  }
}

const normal = (shape: number[], seed: number): tf.Tensor => tf.randomNormal(shape, 0, 1, 'float32', seed)

describe('depthwise convolutions on wasm', () => {
  const cases = [1, 2, 3].flatMap((kernel) =>
    [1, 2, 3].flatMap((stride) =>
      [1, 3].flatMap((multiplier) =>
        (['same', 'valid'] as const).map((padding) => ({ kernel, stride, multiplier, padding })),
      ),
    ),
  )

  it.each(cases)('kernel $kernel, stride $stride, × $multiplier, $padding', async (at) => {
    await expectSame(() => {
      const gradients = tf.grads((x, filter) => {
        const y = tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, at.stride, at.padding)
        return tf.mul(y, normal(y.shape, 3))
      })
      return gradients([normal([2, 7, 8, 5], 1), normal([at.kernel, at.kernel, 5, at.multiplier], 2)])
    })
  })
})

describe('gather on wasm', () => {
  it('has the gradient of the slices that were taken, added up where one was taken twice', async () => {
    await expectSame(() => {
      const taken = tf.tensor1d([3, 0, 3, 1], 'int32')
      const gradient = tf.grad((x) => tf.mul(tf.gather(x, taken), normal([4, 3], 2)))
      return [gradient(normal([5, 3], 1))]
    })
  })
})
