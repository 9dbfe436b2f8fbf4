import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ShapeError, ValueError } from '../errors'
import { normalizedCrossCorrelation } from './normalized-cross-correlation'

// Expected values: numpy, by the lines of PHiSeg's published evaluation.
const samples = [
  [4, 50, 18, 1, 8, 13, 8, 4, 7, 40, 47, 6, 42, 56, 16],
  [29, 39, 23, 23, 13, 13, 24, 17, 20, 1, 22, 1, 24, 21, 50],
  [31, 48, 2, 17, 17, 1, 3, 23, 25, 39, 32, 13, 39, 22, 8],
].map((values) => Float32Array.from(values, (value) => value / 64))
const raters = Uint8Array.of(2, 2, 0, 2, 1, 0, 1, 2, 1, 1)
const sizes = { classes: 3, voxels: 5 }

describe('normalizedCrossCorrelation', () => {
  it("gives what PHiSeg's evaluation gives", () => {
    expect(normalizedCrossCorrelation(samples, raters, sizes)).toBeCloseTo(-0.29974055949828216, 12)
    const roi = Uint8Array.of(1, 0, 1, 1, 1)
    expect(normalizedCrossCorrelation(samples, raters, { ...sizes, roi })).toBeCloseTo(0.5076279976807896, 12)
    const labelMaps = Uint8Array.of(0, 1, 2, 1, 0, 0, 1, 1, 1, 2, 0, 2, 0, 1, 2)
    expect(normalizedCrossCorrelation(labelMaps, raters, sizes)).toBeCloseTo(0.0259357657406461, 9)
  })

  it('takes label maps for probabilities of 0 and 1', () => {
    const maps = fc.array(fc.uint8Array({ minLength: 6, maxLength: 6, max: 2 }), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(maps, maps, (drawn, annotated) => {
        const [labelMaps, truth] = [drawn, annotated].map((sets) =>
          Uint8Array.from(sets.flatMap((map) => [...map])),
        )
        const certain = drawn.map((map) =>
          Float32Array.from({ length: 18 }, (_, index) => Number(map[index % 6] === Math.floor(index / 6))),
        )
        const options = { classes: 3, voxels: 6 }
        const expected = normalizedCrossCorrelation(certain, truth!, options)
        const found = normalizedCrossCorrelation(labelMaps!, truth!, options)
        if (expected === undefined) expect(found).toBeUndefined()
        else {
          expect(found).toBeCloseTo(expected, 6)
          expect(Math.abs(found!)).toBeLessThan(1 + 1e-9)
        }
      }),
    )
  })

  it('is 1 where samples disagree just where they err, and undefined where all are alike', () => {
    const options = { classes: 2, voxels: 3 }
    // Half of the samples are wrong in the last voxel, none elsewhere.
    expect(
      normalizedCrossCorrelation(Uint8Array.of(0, 1, 0, 0, 1, 1), Uint8Array.of(0, 1, 1), options),
    ).toBeCloseTo(1, 12)
    expect(
      normalizedCrossCorrelation(Uint8Array.of(0, 1, 1, 0, 1, 1), Uint8Array.of(0, 1, 0), options),
    ).toBeUndefined()
  })

  it('refuses arrays that do not fit each other', () => {
    expect(() => normalizedCrossCorrelation([], raters, sizes)).toThrow(/samples: found none/)
    expect(() => normalizedCrossCorrelation([new Float32Array(14)], raters, sizes)).toThrow(ShapeError)
    expect(() => normalizedCrossCorrelation(new Float32Array(15) as never, raters, sizes)).toThrow(ShapeError)
    expect(() => normalizedCrossCorrelation([samples[0]!.map((p) => -p)], raters, sizes)).toThrow(
      /not logits/,
    )
    expect(() => normalizedCrossCorrelation(samples, raters.with(3, 3), sizes)).toThrow(ValueError)
    expect(() => normalizedCrossCorrelation(samples, raters.subarray(1), sizes)).toThrow(/raters: found 9/)
    const roi = new Uint8Array(4)
    expect(() => normalizedCrossCorrelation(samples, raters, { ...sizes, roi })).toThrow(/roi: found 4/)
  })
})
