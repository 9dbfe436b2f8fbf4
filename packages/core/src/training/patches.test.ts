import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { voxelCount } from '../distribution/logit-distribution'
import type { SizedCase } from './case-transform'
import { patches, repeatCases } from './patches'

/** Every voxel of the image holds its own index, and that of the second channel its negative. */
function numbered(spatial: readonly number[], parts: Partial<SizedCase> = {}): SizedCase {
  const voxels = voxelCount(spatial)
  const image = Float32Array.from({ length: 2 * voxels }, (_, at) => (at < voxels ? at + 1 : voxels - at - 1))
  return { id: 'numbered', channels: 2, spatial, image, raters: new Uint8Array(voxels), ...parts }
}

const cut = (item: SizedCase, size: readonly number[], position = 0, foreground = 0.5): SizedCase =>
  patches({ size, foreground })(item, { seed: 3, position }) as SizedCase

/** The voxel of the image on which a patch lies: what its middle holds. */
const centreOf = ({ image, spatial }: SizedCase): number =>
  image[spatial.reduce((index, length) => index * length + Math.floor(length / 2), 0)]! - 1

const sizes = fc.integer({ min: 2, max: 3 }).chain((dimensions) =>
  fc.record({
    spatial: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: dimensions, maxLength: dimensions }),
    size: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: dimensions, maxLength: dimensions }),
  }),
)

describe('a patch', () => {
  it('holds what the image holds there, zeros beyond its border, where it is outside the region', () => {
    fc.assert(
      fc.property(sizes, fc.nat(1000), fc.boolean(), ({ spatial, size }, position, withRegion) => {
        const voxels = voxelCount(spatial)
        const raters = Uint8Array.from({ length: voxels }, (_, voxel) => (voxel * 7 + position) % 3)
        const roi = Uint8Array.from({ length: voxels }, (_, voxel) =>
          Number((voxel + position) % 4 > 0 || voxel === 0),
        )
        const patch = cut(numbered(spatial, { raters, ...(withRegion && { roi }) }), size, position)
        expect(patch.spatial).toEqual(size)
        const centre = centreOf(patch)
        let rest = centre
        const middle = spatial.map(() => 0)
        for (let axis = spatial.length - 1; axis >= 0; axis--) {
          middle[axis] = rest % spatial[axis]!
          rest = Math.floor(rest / spatial[axis]!)
        }
        const patchVoxels = voxelCount(size)
        expect(patch.roi).toHaveLength(patchVoxels)
        for (let at = 0; at < patchVoxels; at++) {
          let index = at
          const place = size.map(() => 0)
          for (let axis = size.length - 1; axis >= 0; axis--) {
            place[axis] = (index % size[axis]!) - Math.floor(size[axis]! / 2) + middle[axis]!
            index = Math.floor(index / size[axis]!)
          }
          const inside = place.every((coordinate, axis) => coordinate >= 0 && coordinate < spatial[axis]!)
          const voxel = place.reduce((sum, coordinate, axis) => sum * spatial[axis]! + coordinate, 0)
          expect(patch.image[at]).toBe(inside ? voxel + 1 : 0)
          expect(patch.image[patchVoxels + at]).toBe(inside ? -voxel - 1 : 0)
          expect(patch.raters[at]).toBe(inside ? raters[voxel] : 0)
          expect(patch.roi![at]).toBe(inside ? (withRegion ? roi[voxel] : 1) : 0)
        }
      }),
    )
  })

  it('is the same for the same draw, whatever was cut before', () => {
    const item = numbered([6, 5, 4])
    const transform = patches({ size: [3, 3, 3] })
    const first = transform(item, { seed: 1, position: 8 }) as SizedCase
    transform(item, { seed: 1, position: 9 })
    expect(transform(item, { seed: 1, position: 8 })).toEqual(first)
    expect(patches({ size: [3, 3, 3] })(item, { seed: 1, position: 8 })).toEqual(first)
    expect(transform(item, { seed: 2, position: 8 })).not.toEqual(first)
  })
})

describe('centres', () => {
  const raters = Uint8Array.from({ length: 64 }, (_, voxel) => [2, 1, 0, 0][voxel % 4]!)
  const roi = Uint8Array.from({ length: 64 }, (_, voxel) => Number(voxel >= 32))
  const centres = (item: SizedCase, foreground: number, count = 600): number[] =>
    Array.from({ length: count }, (_, position) => centreOf(cut(item, [3, 3], position, foreground)))

  it('are foreground with the given probability, uniform among it, and inside the region', () => {
    const item = numbered([8, 8], { raters, roi })
    const transform = patches({ size: [3, 3], foreground: 0.25 })
    const drawn = Array.from({ length: 4000 }, (_, position) =>
      centreOf(transform(item, { seed: 5, position }) as SizedCase),
    )
    expect(drawn.every((voxel) => roi[voxel] === 1)).toBe(true)
    expect(drawn.filter((voxel) => raters[voxel]! > 0).length / 4000).toBeCloseTo(0.25, 1)
    const counts = new Map<number, number>()
    for (const voxel of drawn) counts.set(voxel, (counts.get(voxel) ?? 0) + 1)
    expect(counts.size).toBe(32)
    // 62.5 and 187.5 are expected: six standard deviations.
    for (const [voxel, count] of counts) {
      const expected = raters[voxel]! > 0 ? 62.5 : 187.5
      expect(Math.abs(count - expected)).toBeLessThan(6 * Math.sqrt(expected))
    }
  })

  it('are what there is where one kind is missing', () => {
    const background = numbered([8, 8], { roi })
    expect(centres(background, 1, 20).every((voxel) => roi[voxel] === 1)).toBe(true)
    const full = numbered([8, 8], { raters: new Uint8Array(64).fill(1), roi })
    expect(centres(full, 0, 20).every((voxel) => roi[voxel] === 1)).toBe(true)
  })

  it('follow the rater that was chosen', () => {
    const both = new Uint8Array(128)
    both[3] = 1
    both[64 + 60] = 1
    const transform = patches({ size: [1, 1], foreground: 1 })
    const centre = (rater: number): number =>
      centreOf(
        transform(numbered([8, 8], { raters: both.subarray(rater * 64, rater * 64 + 64) }), {
          seed: 0,
          position: 0,
        }) as SizedCase,
      )
    expect([centre(0), centre(1), centre(0)]).toEqual([3, 60, 3])
  })

  it('need a region of interest with something in it', () => {
    expect(() => cut(numbered([8, 8], { roi: new Uint8Array(64) }), [3, 3])).toThrow(
      /numbered: found no voxel/,
    )
  })
})

it.each([
  [() => patches({ size: [3, 0] }), /patch size: found \[3,0\]/],
  [() => patches({ size: [] }), /patch size/],
  [() => patches({ size: [3], foreground: 1.5 }), /share of foreground patches: found 1.5/],
  [() => cut(numbered([8, 8]), [3, 3, 3]), /found a size of 3 dimensions; expected 2/],
])('%s is refused', (make, message) => {
  expect(make).toThrow(message)
})

it('repeated cases stand beside each other', async () => {
  const dataset = {
    ...{ name: 'two', channels: 1, classes: 2, spatial: [1], length: 2 },
    case: async (index: number) => ({
      id: String(index),
      image: new Float32Array(1),
      raters: new Uint8Array(1),
    }),
  }
  const repeated = repeatCases(dataset, 3)
  const ids = await Promise.all(Array.from({ length: repeated.length }, (_, index) => repeated.case(index)))
  expect(ids.map(({ id }) => id)).toEqual(['0', '0', '0', '1', '1', '1'])
  expect(() => repeatCases(dataset, 0)).toThrow(/patches of a case: found 0/)
})
