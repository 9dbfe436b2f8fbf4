import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { openBackend } from '../backend'
import { dropout } from './dropout'

const masked = async (backend: string, key: string): Promise<number[]> => {
  await openBackend({ backend, threads: 2 })
  return [...(await tf.tidy(() => dropout(tf.fill([7, 1100], 3), { rate: 0.3, key })).data())]
}

describe('dropout', () => {
  it('draws the same mask on wasm as elsewhere', async () => {
    const onWasm = await masked('wasm', '1/2/node')
    expect(await masked('cpu', '1/2/node')).toEqual(onWasm)
    const kept = onWasm.filter((value) => value !== 0)
    expect(kept.length / onWasm.length).toBeCloseTo(0.7, 1)
    expect(new Set(kept)).toEqual(new Set([Math.fround(3 * Math.fround(1 / 0.7))]))
  })

  it('draws another mask for another key, and the same for the gradient', async () => {
    const values = await masked('cpu', 'a')
    expect(await masked('cpu', 'b')).not.toEqual(values)
    const slopes = tf.grad((x) => dropout(x, { rate: 0.3, key: 'a' }))(tf.fill([7, 1100], 3))
    expect([...(await slopes.data())].map((slope) => slope !== 0)).toEqual(values.map((value) => value !== 0))
  })
})
