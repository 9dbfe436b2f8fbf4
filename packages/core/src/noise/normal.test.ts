import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LARGEST_NORMAL, normalPairInto } from './normal'
import { philox4x32Into } from './philox'

const word = fc.integer({ min: 0, max: 0xffffffff })
const pair = new Float32Array(2)
const largest = (word0: number, word1: number) => {
  normalPairInto(pair, 0, word0, word1)
  return Math.max(Math.abs(pair[0]!), Math.abs(pair[1]!))
}

describe('normalPairInto', () => {
  it('is the Box–Muller transform', () => {
    fc.assert(
      fc.property(word, word, (word0, word1) => {
        normalPairInto(pair, 0, word0, word1)
        const radius = Math.sqrt(-2 * Math.log(Math.fround(Math.abs(word0 | 1)) / 2 ** 31))
        const angle = ((word1 | 0) / 2 ** 31) * (Math.PI / 2)
        const sign = (word0 | 0) < 0 ? -1 : 1
        expect(Math.abs(pair[0]! - sign * radius * Math.cos(angle))).toBeLessThan(8e-6)
        expect(Math.abs(pair[1]! - radius * Math.sin(angle))).toBeLessThan(8e-6)
      }),
      { numRuns: 2000 },
    )
  })

  it('gives the same bits for ever', () => {
    const values = new Float32Array(8)
    const words = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x12345678, 0xdeadbeef, 0x40000001]
    for (let index = 0; index < 8; index += 2) normalPairInto(values, index, words[index]!, words[index + 1]!)
    expect([...new Uint32Array(values.buffer)].map((bits) => bits.toString(16))).toEqual([
      '40d1c6fe',
      '31a4c217',
      '0',
      '80000000',
      'c0cc9071',
      '3fb9e727',
      'bf947e2c',
      '3f947e35',
    ])
  })

  it('never exceeds the stated bound', () => {
    // The radius is largest for the smallest |word0 | 1|; of the angles, every float32 near the two maxima is tried.
    let most = 0
    for (const word0 of [0, 0xffffffff, 2, 0xfffffffd, 4]) {
      for (let step = 0; step < 2 ** 16; step++) {
        for (const extreme of [0, 0x7fffffff, 0x80000000]) {
          most = Math.max(
            most,
            largest(word0, (extreme + step * 64) >>> 0),
            largest(word0, (extreme - step * 64) >>> 0),
          )
        }
      }
    }
    expect(most).toBeLessThanOrEqual(LARGEST_NORMAL)
    expect(most).toBeGreaterThan(LARGEST_NORMAL - 1e-5)
    fc.assert(
      fc.property(word, (word1) => largest(0, word1) <= LARGEST_NORMAL),
      { numRuns: 5000 },
    )
  })

  it('has the moments and the tails of the normal distribution', () => {
    const words = new Uint32Array(4)
    const count = 1 << 21
    const moments = [0, 0, 0, 0, 0, 0]
    const beyond = [0, 0, 0, 0]
    let cross = 0
    for (let index = 0; index < count / 4; index++) {
      philox4x32Into(words, index, 0, 0, 0, 7, 0)
      for (const at of [0, 2]) {
        normalPairInto(pair, 0, words[at]!, words[at + 1]!)
        cross += pair[0]! * pair[1]!
        for (const x of pair) {
          for (let power = 0, value = x; power < 6; power++, value *= x) moments[power]! += value / count
          for (let sigma = 0; sigma < 4; sigma++) if (Math.abs(x) > sigma + 1) beyond[sigma]!++
        }
      }
    }
    // Five standard errors each; E x²ᵏ = (2k − 1)!!.
    const expected = [0, 1, 0, 3, 0, 15]
    const variance = [1, 2, 15, 96, 945, 10170]
    moments.forEach((moment, power) => {
      expect(Math.abs(moment - expected[power]!)).toBeLessThan(5 * Math.sqrt(variance[power]! / count))
    })
    expect(Math.abs(cross / (count / 2))).toBeLessThan(5 / Math.sqrt(count / 2))
    // P(|x| > σ) for σ = 1 … 4.
    for (const [sigma, p] of [0.3173105079, 0.0455002639, 0.0026997961, 6.33425e-5].entries()) {
      expect(Math.abs(beyond[sigma]! - p * count)).toBeLessThan(5 * Math.sqrt(p * count))
    }
  })
})
