import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ShapeError } from '../errors'
import { centreLabels } from './centre-labels'

describe('centreLabels', () => {
  it('cuts the middle out of labels and region of interest', () => {
    const labels = Uint8Array.from({ length: 2 * 3 * 4 }, (_, index) => index)
    const roi = labels.map((value) => value % 2)
    const middle = centreLabels({ labels, roi, batch: 2, spatial: [3, 4] }, [1, 2])
    expect([...middle.labels]).toEqual([5, 6, 17, 18])
    expect([...middle.roi!]).toEqual([1, 0, 1, 0])
  })

  it('gives the arrays themselves where the output has the size of the image, and no region where there is none', () => {
    const labels = new Uint8Array(8)
    const whole = centreLabels({ labels, batch: 2, spatial: [4] }, [4])
    expect(whole.labels).toBe(labels)
    expect(whole).not.toHaveProperty('roi')
  })

  it('finds a voxel again at its place less half the margin, in any number of dimensions', () => {
    const lengths = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat({ max: 4 })), {
      minLength: 1,
      maxLength: 3,
    })
    fc.assert(
      fc.property(lengths, fc.nat(), (sizes, seed) => {
        const output = sizes.map(([inner]) => inner)
        const spatial = sizes.map(([inner, margin]) => inner + margin)
        const at = output.map((length, axis) => (seed >> (3 * axis)) % length)
        const place = (position: number[], shape: number[]): number =>
          position.reduce((index, value, axis) => index * shape[axis]! + value, 0)
        const count = spatial.reduce((product, length) => product * length, 1)
        const labels = new Uint8Array(count)
        const outer = at.map((value, axis) => value + Math.floor((spatial[axis]! - output[axis]!) / 2))
        labels[place(outer, spatial)] = 1
        const middle = centreLabels({ labels, batch: 1, spatial }, output).labels
        expect(middle.indexOf(1)).toBe(place(at, output))
      }),
    )
  })

  it('refuses labels without the size of the image, and outputs beyond it', () => {
    const labels = new Uint8Array(5)
    expect(() => centreLabels({ labels, batch: 1, spatial: [7] }, [5])).toThrow(ShapeError)
    expect(() => centreLabels({ labels, batch: 1, spatial: [5] }, [7])).toThrow(ShapeError)
    expect(() => centreLabels({ labels, roi: new Uint8Array(4), batch: 1, spatial: [5] }, [5])).toThrow(/roi/)
  })
})
