import { describe, expect, it } from 'vitest'
import { ShapeError, ValueError } from '../errors'
import { meanLabelMap } from '../sampling/mean-label-map'
import { float16Distribution } from './float16'
import { checkedDistribution, imageDistribution, logitDistribution } from './logit-distribution'
import { randomDistribution } from './random-distribution'

const valid = randomDistribution({ batch: 2, classes: 2, rank: 3, spatial: [2, 2], seed: 0 })

describe('logitDistribution', () => {
  it('keeps the arrays it is given', () => {
    const distribution = logitDistribution({ ...valid })
    expect(distribution).toEqual(valid)
    expect(distribution.factor).toBe(valid.factor)
  })

  it.each([
    ['a fractional batch', { batch: 1.5 }],
    ['no class', { classes: 0 }],
    ['more classes than a byte holds', { classes: 257 }],
    ['a negative rank', { rank: -1 }],
    ['a spatial size that does not fit the arrays', { spatial: [2, 3] }],
    ['a mean of another length', { mean: new Float32Array(15) }],
    ['a factor of another rank', { rank: 2 }],
    ['an array that is no Float32Array', { diagonal: new Float64Array(16).fill(1) as never }],
  ])('refuses %s', (_, change) => {
    expect(() => logitDistribution({ ...valid, ...change })).toThrow(ShapeError)
  })

  it.each([
    ['mean', Number.NaN],
    ['factor', Number.POSITIVE_INFINITY],
    ['diagonal', Number.NEGATIVE_INFINITY],
    ['diagonal', 0],
    ['diagonal', -1e-5],
  ] as const)('refuses a %s that is %d, naming its place', (name, value) => {
    const broken = valid[name].slice()
    broken[5] = value
    const construct = () => logitDistribution({ ...valid, [name]: broken })
    expect(construct).toThrow(ValueError)
    expect(construct).toThrow(new RegExp(`^${name}: found .* at index 5`))
  })
})

describe('checkedDistribution', () => {
  it('takes what logitDistribution made as it is, and checks anything else', () => {
    expect(checkedDistribution(valid)).toBe(valid)
    expect(() => checkedDistribution({ ...valid, diagonal: new Float32Array(16) })).toThrow(ValueError)
  })

  it('sees that arrays went to another thread', () => {
    const parts = () => ({ ...valid, mean: valid.mean.slice() })
    const gone = logitDistribution(parts())
    const compact = float16Distribution(logitDistribution(parts()))
    for (const { mean } of [gone, compact]) structuredClone(mean, { transfer: [mean.buffer] })
    expect(() => meanLabelMap(gone)).toThrow(/^mean: found 0 values/)
    expect(() => meanLabelMap(compact)).toThrow(/^mean: found 0 values/)
  })
})

describe('imageDistribution', () => {
  it('is one image of the batch, as views', () => {
    const image = imageDistribution(valid, 1)
    expect(image).toMatchObject({ classes: 2, rank: 3, voxels: 4 })
    expect(image.mean).toEqual(valid.mean.subarray(8))
    expect(image.factor).toEqual(valid.factor.subarray(24))
    expect(image.diagonal.buffer).toBe(valid.diagonal.buffer)
  })
})
