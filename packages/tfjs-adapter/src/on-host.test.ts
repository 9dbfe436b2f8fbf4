import { standardNormals } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, expect, it } from 'vitest'
import { openBackend } from './backend'
import { HostUpdater } from './on-host'

beforeAll(async () => {
  await openBackend()
})

it.each([
  { loss: 1, slope: Number.POSITIVE_INFINITY, result: { loss: 1, gradientNorm: Number.POSITIVE_INFINITY } },
  { loss: Number.NaN, slope: 1, result: { loss: Number.NaN } },
])('moves nothing where the loss is $loss and a slope $slope', async ({ loss, slope, result }) => {
  const variable = tf.variable(tf.tensor1d(standardNormals(3, { seed: 0 })))
  const updater = new HostUpdater([{ name: 'a.weight', shape: [3], trainable: true, variable }], {
    name: 'adam',
  })
  const options = {
    learningRate: 0.1,
    averageDecay: 0.9,
    phase: 'all',
    samples: 1,
    seed: 0,
    stream: 0,
  } as const
  const update = (value: number, slopes: number[]): ReturnType<HostUpdater['update']> =>
    updater.update(tf.scalar(value), { [variable.name]: tf.tensor1d(slopes) }, options)
  const left = async (): Promise<unknown> => {
    const { optimizer, average } = await updater.memory()
    return structuredClone([await variable.data(), optimizer.state(), average.state()])
  }
  await update(1, [1, 2, 3])
  const before = await left()
  expect(await update(loss, [1, slope, 1])).toEqual(result)
  expect(await left()).toEqual(before)
  await update(1, [1, 2, 3])
  expect(await left()).not.toEqual(before)
})

it('leaves a copy of a variable as it was, also on cpu, where both hold the same array', async () => {
  await openBackend({ backend: 'cpu' })
  const variable = tf.variable(tf.tensor1d([1, 2, 3]))
  const copy = variable.clone()
  const updater = new HostUpdater([{ name: 'a.weight', shape: [3], trainable: true, variable }], {
    name: 'adam',
  })
  const options = { learningRate: 0.1, phase: 'all', samples: 1, seed: 0, stream: 0 } as const
  await updater.update(tf.scalar(1), { [variable.name]: tf.tensor1d([1, 1, 1]) }, options)
  expect([...(await copy.data())]).toEqual([1, 2, 3])
  expect([...(await variable.data())]).not.toEqual([1, 2, 3])
})
