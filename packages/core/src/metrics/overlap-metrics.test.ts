import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ShapeError, ValueError } from '../errors'
import { dice } from './dice'
import { iou, iouDistance } from './iou'

const map = (...labels: number[]): Uint8Array => Uint8Array.from(labels)

const pair = fc
  .record({ classes: fc.integer({ min: 2, max: 5 }), voxels: fc.nat(40) })
  .chain(({ classes, voxels }) => {
    const labels = fc.uint8Array({ minLength: voxels, maxLength: voxels, max: classes - 1 })
    return fc.record({ classes: fc.constant(classes), a: labels, b: labels })
  })

describe('dice and iou', () => {
  it('count what is shared, per foreground class', () => {
    const a = map(0, 1, 1, 2, 0)
    const b = map(1, 1, 1, 0, 0)
    expect(dice(a, b, { classes: 4 })).toEqual([4 / 5, 0, undefined])
    expect(iou(a, b, { classes: 4 })).toEqual([2 / 3, 0, undefined])
  })

  it('are symmetric, in [0, 1], 1 on themselves, and tied by dice = 2 iou / (1 + iou)', () => {
    fc.assert(
      fc.property(pair, ({ classes, a, b }) => {
        const values = dice(a, b, { classes })
        expect(values).toHaveLength(classes - 1)
        expect(values).toEqual(dice(b, a, { classes }))
        iou(a, b, { classes }).forEach((value, index) => {
          if (value === undefined) expect(values[index]).toBeUndefined()
          else expect(values[index]).toBeCloseTo((2 * value) / (1 + value), 12)
        })
        for (const value of values) if (value !== undefined) expect(value >= 0 && value <= 1).toBe(true)
        for (const value of dice(a, a, { classes })) expect([1, undefined]).toContain(value)
      }),
    )
  })

  it('refuse maps that cannot be compared', () => {
    expect(() => dice(map(0, 1), map(0), { classes: 2 })).toThrow(ShapeError)
    expect(() => dice(map(0, 2), map(0, 1), { classes: 2 })).toThrow(/label 2 at index 1.*labels from 0 to 1/)
    expect(() => iou(map(0), map(3), { classes: 3 })).toThrow(ValueError)
    expect(() => iou(map(0), map(0), { classes: 1 })).toThrow(/binary masks have 2/)
    expect(() => dice([0] as unknown as Uint8Array, map(0), { classes: 2 })).toThrow(ShapeError)
  })
})

describe('iouDistance', () => {
  it('counts a class that both lack as IoU 1', () => {
    expect(iouDistance(map(0, 0), map(0, 0), { classes: 2 })).toBe(0)
    expect(iouDistance(map(0, 1), map(0, 0), { classes: 2 })).toBe(1)
    expect(iouDistance(map(0, 1), map(0, 0), { classes: 3 })).toBe(0.5)
  })

  it('is a symmetric distance in [0, 1]', () => {
    fc.assert(
      fc.property(pair, ({ classes, a, b }) => {
        const distance = iouDistance(a, b, { classes })
        expect(distance).toBe(iouDistance(b, a, { classes }))
        expect(distance >= 0 && distance <= 1).toBe(true)
        expect(iouDistance(a, a, { classes })).toBe(0)
      }),
    )
  })
})
