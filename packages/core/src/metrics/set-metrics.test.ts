// Metrics between two sets of label maps: generalised energy distance and Hungarian-matched IoU.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ShapeError, ValueError } from '../errors'
import {
  generalizedEnergyDistance,
  sampleDiversity,
  unbiasedGeneralizedEnergyDistance,
} from './generalized-energy-distance'
import { hungarianMatchedIou } from './hungarian-matched-iou'
import { iouDistance } from './iou'
import { setMetrics } from './set-metrics'

/** Two sets of maps over one grid; up to 80 voxels, so that planes end inside a word and at its edge. */
const sets = fc
  .record({ classes: fc.integer({ min: 2, max: 4 }), voxels: fc.integer({ min: 1, max: 80 }) })
  .chain((sizes) => {
    const map = fc.uint8Array({ minLength: sizes.voxels, maxLength: sizes.voxels, max: sizes.classes - 1 })
    const maps = fc.array(map, { minLength: 1, maxLength: 6 })
    return fc.record({ sizes: fc.constant(sizes), a: maps, b: maps })
  })

const endToEnd = (maps: readonly Uint8Array[]): Uint8Array => Uint8Array.from(maps.flatMap((map) => [...map]))

describe('generalizedEnergyDistance', () => {
  it('is symmetric, and 0 between equal sets in any order', () => {
    fc.assert(
      fc.property(sets, ({ sizes, a, b }) => {
        const there = generalizedEnergyDistance(endToEnd(a), endToEnd(b), sizes)
        const back = generalizedEnergyDistance(endToEnd(b), endToEnd(a), sizes)
        expect(there.gedSquared).toBeCloseTo(back.gedSquared, 12)
        expect([there.diversity, there.raterDiversity]).toEqual([back.raterDiversity, back.diversity])
        const reversed = endToEnd([...a].reverse())
        expect(generalizedEnergyDistance(endToEnd(a), reversed, sizes).gedSquared).toBeCloseTo(0, 12)
        expect(sampleDiversity(reversed, sizes)).toBeCloseTo(there.diversity, 12)
      }),
    )
  })

  // 1 − IoU is a metric of negative type (Jaccard), and so is a mean of such.
  it('is never negative', () => {
    fc.assert(
      fc.property(sets, ({ sizes, a, b }) => {
        expect(generalizedEnergyDistance(endToEnd(a), endToEnd(b), sizes).gedSquared).toBeGreaterThan(-1e-12)
      }),
    )
  })

  it('does not change when one set is repeated: self pairs are included', () => {
    fc.assert(
      fc.property(sets, ({ sizes, a, b }) => {
        const once = generalizedEnergyDistance(endToEnd(a), endToEnd(b), sizes).gedSquared
        const twice = generalizedEnergyDistance(endToEnd([...a, ...a]), endToEnd(b), sizes).gedSquared
        expect(twice).toBeCloseTo(once, 12)
      }),
    )
  })

  it('refuses sets that are no whole number of label maps', () => {
    const two = new Uint8Array(8)
    const sizes = { classes: 2, voxels: 4 }
    expect(() => generalizedEnergyDistance(new Uint8Array(7), two, sizes)).toThrow(/samples: found 7 values/)
    expect(() => generalizedEnergyDistance(two, new Uint8Array(0), sizes)).toThrow(ShapeError)
    expect(() => generalizedEnergyDistance(two, two.with(5, 2), sizes)).toThrow(
      /raters: found label 2 at index 5/,
    )
    expect(() => generalizedEnergyDistance(two, two, { classes: 1, voxels: 4 })).toThrow(ValueError)
    expect(() => generalizedEnergyDistance(two, two, { classes: 2, voxels: 0.5 })).toThrow(ValueError)
    expect(() => hungarianMatchedIou(new Uint8Array(7), two, sizes)).toThrow(ShapeError)
    expect(() => sampleDiversity(new Uint8Array(7), sizes)).toThrow(ShapeError)
  })
})

describe('hungarianMatchedIou', () => {
  it('is 1 between equal sets in any order, also when one is repeated', () => {
    fc.assert(
      fc.property(sets, ({ sizes, a }) => {
        const shuffled = [...a.slice(1), a[0]!]
        expect(hungarianMatchedIou(endToEnd(a), endToEnd(shuffled), sizes)).toBe(1)
        expect(hungarianMatchedIou(endToEnd(a), endToEnd([...shuffled, ...a]), sizes)).toBe(1)
      }),
    )
  })

  it('is symmetric, and at least the mean over all pairs', () => {
    fc.assert(
      fc.property(sets, ({ sizes, a, b }) => {
        const matched = hungarianMatchedIou(endToEnd(a), endToEnd(b), sizes)
        expect(matched).toBeCloseTo(hungarianMatchedIou(endToEnd(b), endToEnd(a), sizes), 12)
        const { cross } = generalizedEnergyDistance(endToEnd(a), endToEnd(b), sizes)
        expect(matched).toBeGreaterThan(1 - cross - 1e-12)
      }),
    )
  })
})

describe('unbiasedGeneralizedEnergyDistance', () => {
  it('is, over all pairs of two samples, the mean distance of independent draws', () => {
    fc.assert(
      fc.property(sets, ({ sizes, a, b }) => {
        fc.pre(a.length > 1)
        const { gedSquared, ...terms } = unbiasedGeneralizedEnergyDistance(endToEnd(a), endToEnd(b), sizes)
        const distances = (maps: readonly Uint8Array[]): number[] =>
          maps.flatMap((first, i) =>
            maps.filter((_, j) => j !== i).map((second) => iouDistance(first, second, sizes)),
          )
        const mean = (values: readonly number[]): number =>
          values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
        expect(terms.diversity).toBeCloseTo(mean(distances(a)), 12)
        expect(terms.raterDiversity).toBeCloseTo(mean(distances(b)), 12)
        expect(gedSquared).toBeCloseTo(2 * terms.cross - terms.diversity - terms.raterDiversity, 12)
      }),
    )
  })

  it('does not depend on the number of samples, on average', () => {
    // All equally likely pairs of two out of three maps, against all three themselves.
    const maps = [Uint8Array.of(1, 1, 0), Uint8Array.of(1, 0, 0), Uint8Array.of(0, 1, 1)]
    const sizes = { classes: 2, voxels: 3 }
    const all = unbiasedGeneralizedEnergyDistance(endToEnd(maps), endToEnd(maps), sizes).gedSquared
    const pairs = [
      [0, 1],
      [0, 2],
      [1, 2],
    ].map(
      (chosen) =>
        unbiasedGeneralizedEnergyDistance(
          endToEnd(chosen.map((index) => maps[index]!)),
          endToEnd(maps),
          sizes,
        ).gedSquared,
    )
    expect(pairs.reduce((sum, value) => sum + value) / 3).toBeCloseTo(all, 12)
  })

  it('refuses a single sample', () => {
    const one = Uint8Array.of(1, 0)
    const sizes = { classes: 2, voxels: 2 }
    expect(() => unbiasedGeneralizedEnergyDistance(one, one, sizes)).toThrow(/one label map/)
    expect(unbiasedGeneralizedEnergyDistance(Uint8Array.of(1, 0, 1, 0), one, sizes).gedSquared).toBe(0)
  })
})

describe('setMetrics', () => {
  it('is what its parts are', () => {
    fc.assert(
      fc.property(sets, ({ sizes, a, b }) => {
        const [samples, raters] = [endToEnd(a), endToEnd(b)]
        expect(setMetrics(samples, raters, sizes)).toEqual({
          ...generalizedEnergyDistance(samples, raters, sizes),
          hungarianMatchedIou: hungarianMatchedIou(samples, raters, sizes),
        })
      }),
    )
  })

  it('takes what lies outside the region of interest for background', () => {
    fc.assert(
      fc.property(sets, fc.infiniteStream(fc.nat(2)), ({ sizes, a, b }, inside) => {
        const roi = Uint8Array.from({ length: sizes.voxels }, () => inside.next().value)
        const cut = (map: Uint8Array): Uint8Array => map.map((label, voxel) => (roi[voxel] === 0 ? 0 : label))
        const noisy = (map: Uint8Array): Uint8Array =>
          map.map((label, voxel) => (roi[voxel] === 0 ? 255 : label))
        expect(setMetrics(endToEnd(a.map(noisy)), endToEnd(b.map(noisy)), { ...sizes, roi })).toEqual(
          setMetrics(endToEnd(a.map(cut)), endToEnd(b.map(cut)), sizes),
        )
      }),
    )
    const two = new Uint8Array(8)
    const sizes = { classes: 2, voxels: 4, roi: new Uint8Array(3) }
    expect(() => setMetrics(two, two, sizes)).toThrow(/roi: found 3 values/)
  })
})
