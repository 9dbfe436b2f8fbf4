import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AxisLengths, axisTiles } from './axis-tiles'

/** Lengths as a plan makes them: tiles can advance, and a huge one could cover the frame. */
const lengths: fc.Arbitrary<AxisLengths> = fc
  .record({
    step: fc.integer({ min: 1, max: 6 }),
    least: fc.integer({ min: 1, max: 9 }),
    frames: fc.nat(30),
    tiles: fc.nat(12),
    overlaps: fc.nat(12),
    reach: fc.nat(9),
  })
  .map(({ step, least, frames, tiles, overlaps, reach }) => {
    const tile = least + step * tiles
    const most = Math.max(0, Math.floor(tile / step) - 1)
    return {
      ...{ step, least, tile, reach },
      frame: least + step * frames,
      overlap: step * Math.min(overlaps, most),
    }
  })
  .filter(({ tile, overlap, step }) => tile - overlap >= step)

test('tiles cover the frame, lie on the grid of strides, and count 1 together', () => {
  fc.assert(
    fc.property(lengths, (given) => {
      const { frame, tile, step, overlap, least } = given
      const tiles = axisTiles(given)
      const length = tiles[0]!.weights.length
      expect(length).toBeLessThanOrEqual(tile)
      expect((length - least) % step).toBe(0)
      const sums = new Float64Array(frame)
      tiles.forEach(({ start, weights }, index) => {
        expect(weights.length).toBe(length)
        expect(start % step).toBe(0)
        if (index > 0) expect(tiles[index - 1]!.start + length - start).toBeGreaterThanOrEqual(overlap)
        weights.forEach((weight, voxel) => {
          sums[start + voxel]! += weight
        })
      })
      expect(tiles.at(-1)!.start + length).toBe(frame)
      for (const sum of sums) expect(sum).toBeCloseTo(1, 12)
    }),
  )
})

test('valid convolutions: the paper’s 155 voxels in tiles of 60, each voxel from one tile', () => {
  const tiles = axisTiles({ frame: 165, tile: 60, least: 15, step: 15, overlap: 0, reach: 0 })
  expect(tiles.map(({ start }) => start)).toEqual([0, 45, 105])
  for (const { weights } of tiles) expect(weights.every((weight) => weight === 0 || weight === 1)).toBe(true)
})

test('weights change linearly over what tiles share, but for what only one of them sees rightly', () => {
  const smooth = axisTiles({ frame: 12, tile: 8, least: 1, step: 1, overlap: 4, reach: 3 })
  expect([...smooth[0]!.weights]).toEqual([1, 1, 1, 1, 0.875, 0.625, 0.375, 0.125])
  expect([...smooth[1]!.weights]).toEqual([0.125, 0.375, 0.625, 0.875, 1, 1, 1, 1])
  const exact = axisTiles({ frame: 12, tile: 8, least: 1, step: 1, overlap: 4, reach: 1 })
  expect([...exact[0]!.weights]).toEqual([1, 1, 1, 1, 1, 0.75, 0.25, 0])
})

test('tiles are no longer than their number needs', () => {
  expect(axisTiles({ frame: 20, tile: 16, least: 2, step: 2, overlap: 0, reach: 0 })[0]!.weights.length).toBe(
    10,
  )
})
