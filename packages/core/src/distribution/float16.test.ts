import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ShapeError, ValueError } from '../errors'
import { DETERMINISTIC_VARIANCE } from '../head'
import { drawNoise, standardNormals } from '../noise/draw-noise'
import { sampleStatistics } from '../sampling/marginal-probabilities'
import { sampleLabelMaps, sampleLabelMapsAsync } from '../sampling/sample-label-maps'
import { sampleLogits } from '../sampling/sample-logits'
import { float16Bits, float16Distribution, float32Distribution, fromFloat16 } from './float16'
import { type LogitDistribution, logitDistribution } from './logit-distribution'

function random(
  batch: number,
  classes: number,
  rank: number,
  voxels: number,
  seed: number,
): LogitDistribution {
  const logits = batch * classes * voxels
  return logitDistribution({
    ...{ batch, classes, rank, spatial: [voxels] },
    mean: standardNormals(logits, { seed, plane: 1 }),
    factor: standardNormals(logits * rank, { seed, plane: 2 }),
    diagonal: standardNormals(logits, { seed, plane: 3 }).map((x) => Math.exp(3 * x)),
  })
}

/** A distribution of one voxel and class, whose factor is x. */
const withFactor = (x: number) =>
  logitDistribution({
    ...{ batch: 1, classes: 1, rank: 1, spatial: [1] },
    mean: Float32Array.of(0),
    factor: Float32Array.of(x),
    diagonal: Float32Array.of(1),
  })
const bitsOf = (x: number) => float16Distribution(withFactor(x)).factor[0]!
const rounded = (x: number) => float32Distribution(float16Distribution(withFactor(x))).factor[0]!

describe('binary16', () => {
  it('has the bits of IEEE 754', () => {
    // 1, −2, the largest, the least normal, the least of all, thirds; ties go to even.
    const known: [number, number][] = [
      [0, 0],
      [1, 0x3c00],
      [-2, 0xc000],
      [65504, 0x7bff],
      [2 ** -14, 0x0400],
      [2 ** -24, 1],
      [2 ** -25, 0],
      [3 * 2 ** -25, 2],
      [1 / 3, 0x3555],
      [1 + 2 ** -11, 0x3c00],
      [1 + 3 * 2 ** -11, 0x3c02],
      [2047 * 2 ** -25, 0x0400],
    ]
    for (const [x, bits] of known) expect([x, bitsOf(x)]).toEqual([x, bits])
  })

  it('is off by at most 1/2048, or 3e-8', () => {
    fc.assert(
      fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (x) => {
        expect(Math.abs(rounded(x) - x)).toBeLessThanOrEqual(Math.max(Math.abs(x) / 2048, 2 ** -25))
      }),
      { numRuns: 2000 },
    )
  })

  it('keeps what is no number, and infinities', () => {
    const kept = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(float16Bits)
    expect(kept).toEqual([0x7e00, 0x7c00, 0xfc00])
    expect(fromFloat16(float16Bits(-65504))).toBe(-65504)
  })

  it('refuses what it cannot hold', () => {
    expect(() => bitsOf(65520)).toThrow(ValueError)
    expect(() => bitsOf(-1e30)).toThrow(ValueError)
  })
})

describe('float16Distribution', () => {
  it('has the samples of its float32 expansion, bit for bit', () => {
    const sizes = fc.record({
      batch: fc.integer({ min: 1, max: 2 }),
      classes: fc.integer({ min: 1, max: 4 }),
      rank: fc.integer({ min: 0, max: 5 }),
      voxels: fc.oneof(fc.nat(50), fc.constant(5003)),
      seed: fc.maxSafeNat(),
    })
    const property = fc.property(sizes, ({ batch, classes, rank, voxels, seed }) => {
      const compact = float16Distribution(random(batch, classes, rank, voxels, seed))
      const expanded = float32Distribution(compact)
      const options = { samples: 7, seed, first: 2 }
      expect(Buffer.compare(sampleLabelMaps(compact, options), sampleLabelMaps(expanded, options))).toBe(0)
      const { volumes, entropy } = sampleStatistics(compact, options)
      expect(volumes).toEqual(sampleStatistics(expanded, options).volumes)
      expect(entropy).toEqual(sampleStatistics(expanded, options).entropy)
    })
    fc.assert(property, { numRuns: 40 })
  })

  it('has a float32 expansion with variances too small for binary16, as those of deterministic networks', () => {
    const none = logitDistribution({
      ...{ batch: 1, classes: 1, rank: 0, spatial: [3] },
      mean: Float32Array.of(-1, 1, 0.01),
      factor: new Float32Array(0),
      diagonal: new Float32Array(3).fill(DETERMINISTIC_VARIANCE),
    })
    const compact = float16Distribution(none)
    const expanded = float32Distribution(compact)
    expect(expanded.diagonal).toEqual(none.diagonal)
    const options = { samples: 9, seed: 0 }
    expect(sampleLabelMaps(expanded, options)).toEqual(sampleLabelMaps(compact, options))
    expect(sampleLogits(expanded, options)).toEqual(sampleLogits(compact, options))
  })

  it('works on workers and with explicit noise', async () => {
    const compact = float16Distribution(random(1, 3, 2, 9000, 1))
    const options = { samples: 20, seed: 5 }
    const expected = sampleLabelMaps(compact, options)
    expect(Buffer.compare(await sampleLabelMapsAsync(compact, options), expected)).toBe(0)
    const noise = drawNoise({ ...compact, ...options })
    expect(Buffer.compare(sampleLabelMaps(compact, { ...options, noise }), expected)).toBe(0)
  })

  it('changes few labels of the distribution it is made from', () => {
    const full = random(1, 3, 10, 20_000, 3)
    const options = { samples: 20, seed: 5 }
    const maps = sampleLabelMaps(full, options)
    const compact = sampleLabelMaps(float16Distribution(full), options)
    const changed = maps.filter((label, index) => label !== compact[index]).length
    expect(changed).toBeGreaterThan(0)
    expect(changed / maps.length).toBeLessThan(1e-3)
  })

  it('is checked where somebody else made it', () => {
    const compact = float16Distribution(random(1, 2, 1, 4, 1))
    const draw = (change: object) => () => sampleLabelMaps({ ...compact, ...change }, { samples: 1, seed: 0 })
    expect(draw({})).not.toThrow()
    expect(draw({ factor: new Uint16Array(7) })).toThrow(ShapeError)
    expect(draw({ deviation: new Uint16Array(9) })).toThrow(ShapeError)
    expect(draw({ mean: new Float32Array(9) })).toThrow(ShapeError)
    expect(draw({ factor: new Uint16Array(8).fill(0x7e00) })).toThrow(ValueError)
    expect(draw({ mean: new Float32Array(8).fill(Number.NaN) })).toThrow(ValueError)
  })
})
