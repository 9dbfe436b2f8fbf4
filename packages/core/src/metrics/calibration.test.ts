import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ShapeError, ValueError } from '../errors'
import { Calibration } from './calibration'

/** Classes by voxels: as they are read. */
const planar = (...rows: number[][]): Float32Array => Float32Array.from(rows.flat())

describe('Calibration', () => {
  it('gives the examples of torchmetrics', () => {
    // binary_calibration_error, 2 bins, and multiclass_calibration_error, 3 bins.
    const binary = new Calibration({ classes: 2, bins: 2 })
    const foreground = [0.25, 0.25, 0.55, 0.75, 0.75]
    binary.add(
      planar(
        foreground.map((value) => 1 - value),
        foreground,
      ),
      Uint8Array.of(0, 0, 1, 1, 1),
    )
    expect(binary.classErrors[1]).toBeCloseTo(0.29, 6)
    const three = new Calibration({ classes: 3, bins: 3 })
    three.add(
      planar([0.25, 0.55, 0.1, 0.9], [0.2, 0.05, 0.3, 0.05], [0.55, 0.4, 0.6, 0.05]),
      Uint8Array.of(0, 1, 2, 0),
    )
    expect(three.expectedError).toBeCloseTo(0.2, 6)
  })

  it('gives what numpy gives for three classes and two raters, in one piece or in two', () => {
    const rows = [
      [4, 50, 18, 1, 8],
      [13, 8, 4, 7, 40],
      [47, 6, 42, 56, 16],
    ].map((row) => row.map((value) => value / 64))
    const whole = new Calibration({ classes: 3, bins: 4 })
    whole.add(planar(...rows), Uint8Array.of(2, 2, 0, 2, 1, 0, 1, 2, 1, 1))
    expect(whole.expectedError).toBeCloseTo(0.234375, 12)
    expect(whole.classErrors[0]).toBeCloseTo(0.259375, 12)
    expect(whole.classErrors[1]).toBeCloseTo(0.175, 12)
    expect(whole.classErrors[2]).toBeCloseTo(0.284375, 12)
    expect(whole.classwiseError).toBeCloseTo(0.23958333333333337, 12)

    const parts = new Calibration({ classes: 3, bins: 4 })
    parts.add(planar(...rows.map((row) => row.slice(0, 2))), Uint8Array.of(2, 2, 0, 1))
    parts.add(planar(...rows), Uint8Array.of(2, 2, 0, 2, 1, 0, 1, 2, 1, 1), {
      roi: Uint8Array.of(0, 0, 1, 9, 1),
    })
    expect(parts.bins()).toEqual(whole.bins())
    expect(parts.bins(2)).toEqual(whole.bins(2))
  })

  it('bins by equal widths, the last one closed', () => {
    const calibration = new Calibration({ classes: 2, bins: 2 })
    calibration.add(planar([1, 0.5, 0.75], [0, 0.5, 0.25]), Uint8Array.of(0, 0, 1))
    expect(calibration.bins(0)).toEqual([
      { count: 0, confidence: Number.NaN, frequency: Number.NaN },
      { count: 3, confidence: 0.75, frequency: 2 / 3 },
    ])
    expect(calibration.bins(1)).toEqual([
      { count: 2, confidence: 0.125, frequency: 0.5 },
      { count: 1, confidence: 0.5, frequency: 0 },
    ])
  })

  it('is 0 for frequencies that are the probabilities, and 1 − p for those who are always right', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), (raters, bins) => {
        const calibrated = new Calibration({ classes: 2, bins })
        const right = new Calibration({ classes: 2, bins })
        for (let chosen = 0; chosen <= raters; chosen++) {
          const probability = chosen / raters
          const labels = Uint8Array.from({ length: raters }, (_, rater) => Number(rater < chosen))
          calibrated.add(planar([1 - probability], [probability]), labels)
          const top = Number(probability > 1 - probability)
          right.add(planar([1 - probability], [probability]), Uint8Array.of(top))
        }
        expect(calibrated.expectedError).toBeCloseTo(0, 6)
        expect(calibrated.classwiseError).toBeCloseTo(0, 6)
        let missing = 0
        for (let chosen = 0; chosen <= raters; chosen++) missing += Math.min(chosen, raters - chosen) / raters
        expect(right.expectedError).toBeCloseTo(missing / (raters + 1), 6)
      }),
    )
  })

  it('refuses what is no probability, and then leaves the case out', () => {
    const calibration = new Calibration({ classes: 2 })
    const one = Uint8Array.of(1)
    expect(() => calibration.add(planar([0.4], [0.8]), one)).toThrow(/a sum of 1.2.* at voxel 0/)
    expect(() => calibration.add(planar([-1], [2]), one)).toThrow(/-1 at voxel 0.*not logits/)
    expect(() => calibration.add(planar([Number.NaN], [1]), one)).toThrow(ValueError)
    expect(() => calibration.add(planar([0, 1, 1]), one)).toThrow(ShapeError)
    expect(() => calibration.add(planar([0, 1], [1, 0]), one)).toThrow(/raters: found 1 values/)
    expect(() => calibration.add(planar([0], [1]), Uint8Array.of(2))).toThrow(/label 2 at index 0/)
    expect(() => calibration.add(planar([0], [1]), one, { roi: new Uint8Array(2) })).toThrow(ShapeError)
    expect(() => calibration.bins(2)).toThrow(/label: found 2/)
    expect(() => new Calibration({ classes: 2, bins: 0 })).toThrow(/bins: found 0/)
    expect(calibration.expectedError).toBeNaN()
  })
})
