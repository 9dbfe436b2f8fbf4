import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ValueError } from '../errors'
import { randomInteger, shuffledIndices } from './random-integers'

describe('randomInteger', () => {
  it('lies in [0, bound) and depends on nothing but (seed, stream, index)', () => {
    const word = fc.nat(0xffffffff)
    fc.assert(
      fc.property(fc.maxSafeNat(), word, word, word, (seed, stream, index, least) => {
        const bound = least + 1
        const drawn = randomInteger({ seed, stream, index }, bound)
        expect(drawn).toBe(randomInteger({ seed, stream, index }, bound))
        expect(Number.isInteger(drawn) && drawn >= 0 && drawn < bound).toBe(true)
      }),
    )
  })

  it('is uniform, also where the bound does not divide 2^32', () => {
    const draws = 30_000
    // A plain remainder would give the lower half of this bound 2/3 of the draws.
    const bound = 3 * 2 ** 30
    let low = 0
    const counts = new Float64Array(7)
    for (let index = 0; index < draws; index++) {
      if (randomInteger({ seed: 1, index }, bound) < 2 ** 30) low++
      counts[randomInteger({ seed: 2, index }, 7)]!++
    }
    expect(Math.abs(low / draws - 1 / 3)).toBeLessThan(5 * Math.sqrt(2 / 9 / draws))
    const chiSquared = counts.reduce((sum, count) => sum + (count - draws / 7) ** 2 / (draws / 7), 0)
    expect(chiSquared).toBeLessThan(38) // once in a million, 6 degrees of freedom
  })

  it('refuses numbers out of range', () => {
    expect(() => randomInteger({ seed: 0, index: -1 }, 2)).toThrow(ValueError)
    expect(() => randomInteger({ seed: 0, index: 0 }, 0)).toThrow(ValueError)
    expect(() => randomInteger({ seed: 0, index: 0 }, 2.5)).toThrow(ValueError)
    expect(() => randomInteger({ seed: 2 ** 53, index: 0 }, 2)).toThrow(ValueError)
    expect(() => randomInteger({ seed: 0, stream: 2 ** 32, index: 0 }, 2)).toThrow(ValueError)
  })
})

describe('shuffledIndices', () => {
  it('is a permutation, the same for the same seed and stream', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.maxSafeNat(), fc.nat(1000), (length, seed, stream) => {
        const shuffled = shuffledIndices(length, { seed, stream })
        expect([...shuffled].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, index) => index))
        expect(shuffledIndices(length, { seed, stream })).toEqual(shuffled)
      }),
      { numRuns: 50 },
    )
  })

  it('gives every order equally often', () => {
    const counts = new Map<string, number>()
    const draws = 12_000
    for (let stream = 0; stream < draws; stream++) {
      const order = shuffledIndices(4, { seed: 0, stream }).join()
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect(counts.size).toBe(24)
    for (const count of counts.values()) expect(Math.abs(count - 500)).toBeLessThan(5.5 * Math.sqrt(500))
  })
})
