import { ssnHead } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { unet } from '../networks/unet'
import { initialWeights } from './initial-weights'
import { checkWeights, parametersOf } from './parameters'

const spec = unet({ inputChannels: 1, widths: [16, 32] })
const lowRank = ssnHead({ classes: 2, rank: 4 })

describe('initialWeights', () => {
  it('gives every parameter its name, shape and place', () => {
    const weights = initialWeights(spec, lowRank, { seed: 1 })
    checkWeights(spec, lowRank, weights)
    expect([...weights.keys()]).toEqual(parametersOf(spec, lowRank).map(({ name }) => name))
  })

  it('draws kernels with variance 2 / fan-in', () => {
    const { data } = initialWeights(spec, lowRank, { seed: 1 }).get('down1.conv1.weight')!
    const variance = data.reduce((sum, value) => sum + value * value, 0) / data.length
    expect(data.length).toBe(9216)
    expect((variance * 32 * 9) / 2).toBeCloseTo(1, 1)
  })

  it('draws every kernel afresh', () => {
    const weights = initialWeights(spec, lowRank, { seed: 1 })
    const [first, second] = ['mean', 'logDiagonal'].map((name) => weights.get(`head.${name}.weight`)!.data)
    expect(first!.length).toBe(second!.length)
    expect(first).not.toEqual(second)
  })

  it('starts batch normalisation as the identity', () => {
    const weights = initialWeights(spec, lowRank, { seed: 1 })
    const parts = ['scale', 'bias', 'mean', 'variance'].map(
      (part) => weights.get(`down0.norm0.${part}`)!.data[0],
    )
    expect(parts).toEqual([1, 0, 0, 1])
  })

  it('starts the body and the mean the same whichever head follows, and differently for another seed', () => {
    const first = initialWeights(spec, lowRank, { seed: 7 })
    const second = initialWeights(spec, ssnHead({ kind: 'deterministic', classes: 2 }), { seed: 7 })
    for (const [name, weight] of second) expect(first.get(name)).toEqual(weight)
    const other = initialWeights(spec, lowRank, { seed: 8 })
    expect(other.get('head.mean.weight')).not.toEqual(first.get('head.mean.weight'))
  })

  it('can start with a small covariance', () => {
    const plain = initialWeights(spec, lowRank, { seed: 1 })
    const small = initialWeights(spec, lowRank, { seed: 1, logDiagonalBias: -4, factorScale: 0.5 })
    expect([...small.get('head.logDiagonal.bias')!.data]).toEqual([-4, -4])
    expect(small.get('head.factor.weight')!.data[3]).toBe(plain.get('head.factor.weight')!.data[3]! / 2)
    expect(small.get('head.mean.weight')).toEqual(plain.get('head.mean.weight'))
    expect(() => initialWeights(spec, lowRank, { seed: 1, factorScale: 0 })).toThrow(/factorScale 0/)
  })
})

describe('checkWeights', () => {
  it('refuses missing, misshapen, unknown and non-finite weights', () => {
    const weights = initialWeights(spec, lowRank, { seed: 1 })
    const changed = (
      change: (copy: Map<string, { shape: readonly number[]; data: Float32Array }>) => unknown,
    ) => {
      const copy = new Map(weights)
      change(copy)
      return () => checkWeights(spec, lowRank, copy)
    }
    expect(changed((copy) => copy.delete('head.mean.bias'))).toThrow(/'head.mean.bias': found nothing/)
    expect(changed((copy) => copy.set('head.mean.bias', { shape: [3], data: new Float32Array(3) }))).toThrow(
      /shape \[3\].*expected shape \[2\]/,
    )
    expect(
      changed((copy) => copy.set('head.mean.bias', { shape: [2], data: new Float32Array([0, Number.NaN]) })),
    ).toThrow(/NaN at index 1/)
    expect(
      changed((copy) =>
        copy.set('down1.conv0.weight', { shape: [16, 32, 3, 3], data: new Float32Array(4608) }),
      ),
    ).toThrow(/expected shape \[32,16,3,3\]/)
    expect(changed((copy) => copy.set('x', { shape: [1], data: new Float32Array(1) }))).toThrow(/e\.g\. 'x'/)
  })
})
