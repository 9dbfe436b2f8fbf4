import { describe, expect, it } from 'vitest'
import { ShapeError, ValueError } from '../errors'
import { quantile } from './quantile'
import { sampleQuality } from './sample-quality'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const sizes = { classes: 2, voxels: 4 }

describe('sampleQuality', () => {
  it('is what a hand computes', () => {
    // Dice to the rater 1100: 1000 has ⅔, 1100 has 1, 1111 has ⅔, 0000 has 0.
    const samples = bytes(...[1, 0, 0, 0], ...[1, 1, 0, 0], ...[0, 0, 0, 0], ...[1, 1, 0, 0])
    const quality = sampleQuality(
      { prediction: bytes(1, 1, 1, 1), samples, raters: bytes(1, 1, 0, 0) },
      sizes,
    )
    expect(quality.predictionDice).toBeCloseTo(2 / 3, 12)
    expect([...quality.sampleDice]).toEqual([0, 2 / 3, 1, 1])
    expect(quality.betterSamples).toBe(1 / 2)
    expect(quality.sampleDice95).toBe(1)
  })

  it('averages over raters and classes, and leaves out what is undefined', () => {
    const empty = bytes(0, 0, 0, 0)
    const quality = sampleQuality(
      { prediction: empty, samples: bytes(...empty, 1, 0, 0, 0), raters: bytes(...empty, 1, 0, 0, 0) },
      sizes,
    )
    // Empty against the raters: undefined, 0. The other sample: 0, 1.
    expect(quality).toEqual({
      predictionDice: 0,
      sampleDice: Float64Array.of(0, 1 / 2),
      betterSamples: 1 / 2,
      sampleDice95: 0.475,
    })
    const none = sampleQuality({ prediction: empty, samples: empty, raters: empty }, sizes)
    expect(none).toEqual({
      predictionDice: undefined,
      sampleDice: new Float64Array(),
      betterSamples: undefined,
      sampleDice95: undefined,
    })
    const four = sampleQuality(
      { prediction: bytes(1, 2, 0, 0), samples: bytes(1, 2, 3, 0), raters: bytes(1, 0, 2, 0) },
      { classes: 4, voxels: 4 },
    )
    // Class 1 right, 2 wrong; class 3 only in the sample.
    expect(four.predictionDice).toBe(1 / 2)
    expect([...four.sampleDice]).toEqual([1 / 3])
  })

  it('looks at the region of interest only', () => {
    const roi = bytes(1, 1, 0, 0)
    const maps = { prediction: bytes(1, 1, 9, 0), samples: bytes(1, 0, 0, 7), raters: bytes(1, 1, 0, 0) }
    expect(sampleQuality(maps, { ...sizes, roi })).toMatchObject({ predictionDice: 1, betterSamples: 0 })
    expect(() => sampleQuality(maps, sizes)).toThrow(/prediction: found label 9/)
    expect(() => sampleQuality({ ...maps, prediction: new Uint8Array(8) }, sizes)).toThrow(ShapeError)
  })
})

describe('quantile', () => {
  it('interpolates as numpy does', () => {
    expect(quantile([1, 2, 4, 8], 0.95)).toBeCloseTo(7.4, 12)
    expect(quantile([1, 2, 4, 8], 0.5)).toBe(3)
    expect([quantile([3], 0), quantile([3, 5], 1)]).toEqual([3, 5])
    expect(quantile([], 0.5)).toBeNaN()
    expect(() => quantile([1], 95)).toThrow(ValueError)
    expect(() => quantile([1], Number.NaN)).toThrow(/in \[0, 1\]/)
  })
})
