import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { openBackend } from '../backend'
import { batchNormalisation } from '../operations/batch-normalisation'
import type { ConvolutionGeometry } from '../operations/convolution-geometry'
import { interpolate, interpolateByMatrix } from '../operations/interpolation'
import { composedFilterGradient, composedInputGradient } from './composed-convolution'

beforeAll(async () => {
  await openBackend({ backend: 'cpu' })
  await openBackend({ backend: 'wasm' })
})

function randomTensor(shape: number[], seed: number): tf.Tensor {
  return tf.randomNormal(shape, 0, 1, 'float32', seed)
}

/** Values of a computation on one backend. */
async function on(backend: string, compute: () => tf.Tensor[]): Promise<Float32Array[]> {
  await tf.setBackend(backend)
  const results = tf.tidy(compute)
  const values = results.map((tensor) => tensor.dataSync().slice() as Float32Array)
  tf.dispose(results)
  return values
}

function expectClose(actual: Float32Array, expected: Float32Array, tolerance = 2e-6): void {
  expect(actual.length).toBe(expected.length)
  const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0)
  const error = actual.reduce((max, value, index) => Math.max(max, Math.abs(value - expected[index]!)), 0)
  expect(error / largest).toBeLessThan(tolerance * Math.sqrt(actual.length))
}

async function expectSameOnCpu(compute: () => tf.Tensor[]): Promise<void> {
  const expected = await on('cpu', compute)
  const actual = await on('wasm', compute)
  actual.forEach((values, index) => {
    expectClose(values, expected[index]!)
  })
}

describe('gradients of convolutions on wasm equal the cpu backend', () => {
  const cases = [1, 2, 3, 4].flatMap((kernel) =>
    [1, 2].flatMap((stride) => (['same', 'valid'] as const).map((padding) => ({ kernel, stride, padding }))),
  )

  it.each(cases)('2D, kernel $kernel, stride $stride, $padding', async ({ kernel, stride, padding }) => {
    for (const [inputs, outputs] of [
      [1, 1],
      [3, 8],
      [5, 11],
      [16, 20],
      [16, 24],
    ] as const) {
      await expectSameOnCpu(() => {
        const x = randomTensor([2, 7, 9, inputs], 1) as tf.Tensor4D
        const filter = randomTensor([kernel, kernel, inputs, outputs], 2) as tf.Tensor4D
        const forward = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
          tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, stride, padding)
        const y = forward(x, filter)
        return [y, ...tf.grads(forward)([x, filter], randomTensor(y.shape, 3))]
      })
    }
  })

  it.each(cases.filter(({ kernel }) => kernel < 4))(
    '3D, kernel $kernel, stride $stride, $padding',
    async ({ kernel, stride, padding }) => {
      await expectSameOnCpu(() => {
        const x = randomTensor([2, 5, 6, 4, 3], 1) as tf.Tensor5D
        const filter = randomTensor([kernel, kernel, kernel, 3, 9], 2) as tf.Tensor5D
        const forward = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
          tf.conv3d(a as tf.Tensor5D, b as tf.Tensor5D, stride, padding)
        const y = forward(x, filter)
        return [y, ...tf.grads(forward)([x, filter], randomTensor(y.shape, 3))]
      })
    },
  )

  it.each([
    // Several blocks of tiles and of planes, with odd ends; channels that fill no register.
    { size: [11, 13, 18], inputs: 5, outputs: 6, kernel: [3, 3, 3], padding: 'valid' },
    { size: [19, 6, 5], inputs: 30, outputs: 3, kernel: [3, 3, 3], padding: 'same' },
    { size: [4, 9, 7], inputs: 2, outputs: 17, kernel: [1, 3, 3], padding: 'same' },
    { size: [6, 9, 7], inputs: 2, outputs: 3, kernel: [2, 3, 3], padding: 'valid' },
    { size: [5, 9, 7], inputs: 7, outputs: 10, kernel: [1, 1, 1], padding: 'valid' },
    { size: [45, 38], inputs: 3, outputs: 70, kernel: [3, 3], padding: 'same' },
    { size: [21, 30], inputs: 65, outputs: 9, kernel: [3, 3], padding: 'valid' },
    { size: [15, 15], inputs: 70, outputs: 41, kernel: [1, 1], padding: 'same' },
  ] as const)('$size, $inputs → $outputs channels, kernel $kernel', async (at) => {
    await expectSameOnCpu(() => {
      const x = randomTensor([2, ...at.size, at.inputs], 1)
      const filter = randomTensor([...at.kernel, at.inputs, at.outputs], 2)
      const forward = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
        at.size.length === 2
          ? tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, at.padding)
          : tf.conv3d(a as tf.Tensor5D, b as tf.Tensor5D, 1, at.padding)
      const y = forward(x, filter)
      return [y, ...tf.grads(forward)([x, filter], randomTensor(y.shape, 3))]
    })
  })

  it.each([
    [3, 'beyond a tile'],
    [5, 'beyond a kernel'],
  ])('kernel %i, padded %s', async (kernel) => {
    await expectSameOnCpu(() => {
      const x = randomTensor([2, 5, 6, 3], 1) as tf.Tensor4D
      const filter = randomTensor([kernel, kernel, 3, 9], 2) as tf.Tensor4D
      const padding: tf.backend_util.ExplicitPadding = [
        [0, 0],
        [9, 6],
        [7, 11],
        [0, 0],
      ]
      const forward = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
        tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, padding)
      const y = forward(x, filter)
      return [y, ...tf.grads(forward)([x, filter], randomTensor(y.shape, 3))]
    })
  })

  it('are the same by composition, where our own module cannot run', async () => {
    await expectSameOnCpu(() => {
      const geometry: ConvolutionGeometry = {
        inputSize: [6, 7],
        outputSize: [6, 7],
        kernel: [3, 3],
        stride: [1, 1],
        dilation: [1, 1],
        padBefore: [1, 1],
      }
      const x = randomTensor([2, 6, 7, 5], 1)
      const filter = randomTensor([3, 3, 5, 4], 2)
      const dy = randomTensor([2, 6, 7, 4], 3)
      if (tf.getBackend() === 'wasm') {
        return [composedInputGradient(dy, filter, geometry), composedFilterGradient(x, dy, geometry)]
      }
      const forward = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
        tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same')
      return tf.grads(forward)([x, filter], dy)
    })
  })
})

describe('max-pool gradients on wasm', () => {
  it('equal the cpu backend, maxima below zero included', async () => {
    await expectSameOnCpu(() => {
      const x = tf.sub(randomTensor([2, 6, 4, 5], 1), 3) as tf.Tensor4D
      const forward = (a: tf.Tensor): tf.Tensor => tf.maxPool(a as tf.Tensor4D, [3, 2], [3, 2], 'valid')
      return [tf.grad(forward)(x, randomTensor([2, 2, 2, 5], 2))]
    })
    await expectSameOnCpu(() => {
      const x = tf.sub(randomTensor([2, 4, 6, 2, 3], 1), 3) as tf.Tensor5D
      const forward = (a: tf.Tensor): tf.Tensor => tf.maxPool3d(a as tf.Tensor5D, 2, 2, 'valid')
      return [tf.grad(forward)(x, randomTensor([2, 2, 3, 1, 3], 2))]
    })
  })

  it('equal the cpu backend where windows side by side begin in the padding', async () => {
    await expectSameOnCpu(() => {
      const padding: tf.backend_util.ExplicitPadding = [
        [0, 0],
        [1, 0],
        [0, 1],
        [0, 0],
      ]
      const forward = (a: tf.Tensor): tf.Tensor => tf.maxPool(a as tf.Tensor4D, 2, 2, padding, 'floor')
      const x = randomTensor([2, 8, 6, 3], 1) as tf.Tensor4D
      return [tf.grad(forward)(x, randomTensor(forward(x).shape, 2))]
    })
  })

  it('and 3D pools equal the cpu backend for padding in numbers', async () => {
    await expectSameOnCpu(() => {
      const forward = (a: tf.Tensor): tf.Tensor => tf.maxPool3d(a as tf.Tensor5D, 3, 2, 1, 'floor')
      const x = tf.sub(randomTensor([2, 5, 6, 7, 3], 1), 3)
      const y = forward(x)
      return [y, tf.grad(forward)(x, randomTensor(y.shape, 2))]
    })
  })

  it('share among equal maxima', async () => {
    const [gradient] = await on('wasm', () => [
      tf.grad((a: tf.Tensor) => tf.maxPool(a as tf.Tensor4D, 2, 2, 'valid'))(tf.zeros([1, 2, 2, 1])),
    ])
    expect([...gradient!]).toEqual([0.25, 0.25, 0.25, 0.25])
  })

  it.each([
    { window: 3, stride: 2, pad: 'valid' },
    { window: 3, stride: 2, pad: 'same' },
    { window: 2, stride: 1, pad: 'same' },
    { window: 2, stride: 3, pad: 'valid' },
  ] as const)('equal the cpu backend for windows of $window, stride $stride, $pad', async (at) => {
    const { window, stride, pad } = at
    await expectSameOnCpu(() => {
      const plane = randomTensor([2, 8, 7, 3], 1) as tf.Tensor4D
      const volume = tf.sub(randomTensor([1, 5, 6, 7, 2], 2), 3) as tf.Tensor5D
      return [
        tf.grad((a: tf.Tensor) => tf.square(tf.maxPool(a as tf.Tensor4D, window, stride, pad)))(plane),
        tf.grad((a: tf.Tensor) => tf.square(tf.maxPool3d(a as tf.Tensor5D, window, stride, pad)))(volume),
      ]
    })
  })
})

describe('accelerated kernels equal TF.js', () => {
  it.each([
    { shape: [700, 3], axis: [0], keepDims: false },
    { shape: [2, 9, 5, 13], axis: [0, 1, 2], keepDims: true },
    { shape: [2, 9, 5, 16], axis: [0, 1], keepDims: false },
    { shape: [2, 9, 5, 3], axis: [3], keepDims: false },
    { shape: [4, 5], axis: [0, 1], keepDims: false },
  ])('sum of $shape over $axis', async ({ shape, axis, keepDims }) => {
    await expectSameOnCpu(() => [tf.sum(randomTensor(shape, 1), axis, keepDims)])
  })

  it.each([
    { sizes: [4, 8, 3], axis: -1 },
    { sizes: [10, 5], axis: 2 },
    { sizes: [1, 4], axis: 1 },
  ])('split into $sizes along $axis', async ({ sizes, axis }) => {
    await expectSameOnCpu(() => tf.split(randomTensor([3, 5, 15], 1), sizes, axis))
  })
})

describe('normalisation', () => {
  it.each([4, 6, 20])('by kernels equals the composition, %i channels', async (channels) => {
    await expectSameOnCpu(() => {
      const x = tf.add(randomTensor([2, 13, 11, channels], 1), 2)
      const [scale, bias] = [randomTensor([channels], 2), randomTensor([channels], 3)] as tf.Tensor1D[]
      const statistics: tf.Tensor[] = []
      const forward = (...[input, factor, shift]: tf.Tensor[]): tf.Tensor =>
        batchNormalisation(
          input!,
          factor as tf.Tensor1D,
          shift as tf.Tensor1D,
          1e-3,
          ({ mean, variance }) => {
            statistics.push(tf.keep(mean.clone()), tf.keep(variance.clone()))
          },
        )
      const { value, grads } = tf.valueAndGrads(forward)([x, scale!, bias!], randomTensor(x.shape, 4))
      return [value, ...grads, ...statistics]
    })
  })
})

describe('interpolation', () => {
  it.each([2, 3])('by the kernel equals the matrix, factor %i, and its transpose too', async (factor) => {
    await tf.setBackend('wasm')
    for (const inner of [1, 4, 7]) {
      for (const transposed of [false, true]) {
        const attributes = { axis: 1, size: 5, factor, transposed }
        const x = randomTensor([3, transposed ? 5 * factor : 5, inner], 1)
        const [kernel, matrix] = [interpolate(x, attributes), interpolateByMatrix(x, attributes)]
        expect(kernel.shape).toEqual(matrix.shape)
        expectClose(kernel.dataSync() as Float32Array, matrix.dataSync() as Float32Array)
      }
    }
  })
})
