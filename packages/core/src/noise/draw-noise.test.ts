import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ValueError } from '../errors'
import { drawNoise, standardNormals } from './draw-noise'

const sizes = { batch: 2, classes: 2, rank: 3, spatial: [2, 3] }
const epsilonOfSample = 2 * 2 * 6
const zOfSample = 2 * 3

describe('drawNoise', () => {
  it('gives a sample the same noise whatever the number of samples and the first one', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.nat(0xfffffff0),
        fc.nat(1e6),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(8),
        (seed, stream, first, samples, skipped) => {
          const skip = Math.min(skipped, samples - 1)
          const all = drawNoise({ ...sizes, samples, seed, stream, first })
          const some = drawNoise({ ...sizes, samples: samples - skip, seed, stream, first: first + skip })
          expect(some.z).toEqual(all.z.subarray(skip * zOfSample))
          expect(some.epsilon).toEqual(all.epsilon.subarray(skip * epsilonOfSample))
        },
      ),
      { numRuns: 50 },
    )
  })

  it('gives image n of a batch what a single image of stream + n gets', () => {
    const batch = drawNoise({ ...sizes, samples: 1, seed: 5, stream: 7 })
    const second = drawNoise({ ...sizes, batch: 1, samples: 1, seed: 5, stream: 8 })
    expect(second.z).toEqual(batch.z.subarray(3))
    expect(second.epsilon).toEqual(batch.epsilon.subarray(12))
  })

  it('depends on a voxel by its index only, so that crops in one axis and further classes change nothing', () => {
    const small = drawNoise({ batch: 1, classes: 1, rank: 1, spatial: [5], samples: 1, seed: 1 })
    const large = drawNoise({ batch: 1, classes: 3, rank: 4, spatial: [5], samples: 1, seed: 1 })
    expect(small.epsilon).toEqual(large.epsilon.subarray(0, 5))
    expect(small.z[0]).toBe(large.z[0])
  })

  it('keeps z, the classes and the seeds apart', () => {
    const { z, epsilon } = drawNoise({ batch: 2, classes: 2, rank: 4, spatial: [4], samples: 8, seed: 0 })
    const other = drawNoise({ batch: 2, classes: 2, rank: 4, spatial: [4], samples: 8, seed: 2 ** 32 })
    const values = [...z, ...epsilon, ...other.z, ...other.epsilon]
    expect(new Set(values).size).toBe(values.length)
  })

  it('refuses what it cannot honour', () => {
    const draw = (more: object) => () => drawNoise({ ...sizes, samples: 1, seed: 0, ...more })
    for (const samples of [0, -1, 1.5, Number.NaN]) expect(draw({ samples })).toThrow(ValueError)
    for (const seed of [-1, 0.5, 2 ** 53, Number.NaN]) expect(draw({ seed })).toThrow(ValueError)
    for (const stream of [-1, 0.5, 2 ** 32 - 1]) expect(draw({ stream })).toThrow(ValueError)
    for (const first of [-1, 0.5, 2 ** 34]) expect(draw({ first })).toThrow(ValueError)
    expect(draw({ stream: 2 ** 32 - 2 })).not.toThrow()
  })
})

describe('standardNormals', () => {
  const count = 100_000
  const normals = standardNormals(count, { seed: 3 })

  it('has the moments of a standard normal', () => {
    const moment = (power: number) => normals.reduce((sum, x) => sum + x ** power, 0) / count
    // Five standard errors each.
    expect(Math.abs(moment(1))).toBeLessThan(5 / Math.sqrt(count))
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / count))
    expect(Math.abs(moment(3))).toBeLessThan(5 * Math.sqrt(15 / count))
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / count))
  })

  it('has the distribution function of a standard normal (Kolmogorov–Smirnov)', () => {
    const sorted = normals.slice().sort()
    let distance = 0
    for (let index = 0; index < count; index++) {
      const cdf = normalCdf(sorted[index]!)
      distance = Math.max(distance, cdf - index / count, (index + 1) / count - cdf)
    }
    // Exceeded once in a million draws.
    expect(distance * Math.sqrt(count)).toBeLessThan(2.7)
  })

  it('is uncorrelated between neighbours, sequences and streams', () => {
    const correlation = (other: Float32Array) =>
      other.reduce((sum, x, index) => sum + x * normals[index]!, 0) / other.length
    for (const other of [
      normals.subarray(1),
      normals.subarray(2),
      standardNormals(count, { seed: 3, plane: 1 }),
      standardNormals(count, { seed: 3, stream: 1 }),
      standardNormals(count, { seed: 4 }),
    ]) {
      expect(Math.abs(correlation(other))).toBeLessThan(5 / Math.sqrt(other.length))
    }
  })

  it('does not depend on how many are drawn', () => {
    expect(standardNormals(6, { seed: 3 })).toEqual(normals.slice(0, 6))
    expect(standardNormals(0, { seed: 3 })).toHaveLength(0)
  })
})

/** Φ(x), by the error function's series and continued fraction (Abramowitz & Stegun 7.1.6, 7.1.14). */
function normalCdf(x: number): number {
  const t = Math.abs(x) / Math.SQRT2
  let tail: number
  if (t < 3) {
    let term = t
    let sum = t
    for (let n = 1; n < 60; n++) {
      term *= (2 * t * t) / (2 * n + 1)
      sum += term
    }
    tail = 0.5 - (Math.exp(-t * t) * sum) / Math.sqrt(Math.PI)
  } else {
    let fraction = t
    for (let n = 30; n > 0; n--) fraction = t + n / 2 / fraction
    tail = Math.exp(-t * t) / (2 * Math.sqrt(Math.PI) * fraction)
  }
  return x < 0 ? tail : 1 - tail
}
