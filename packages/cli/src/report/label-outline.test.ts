import fc from 'fast-check'
import { expect, test } from 'vitest'
import { labelOutline } from './label-outline'

test('one pixel is a square', () => {
  expect(labelOutline(Uint8Array.of(0, 0, 0, 1), [2, 2], 1)).toBe('M1 1L2 1L2 2L1 2Z')
})

test('no pixel, no path', () => {
  expect(labelOutline(new Uint8Array(6), [2, 3], 1)).toBe('')
})

test('filling the path by the even-odd rule gives the mask back', () => {
  const masks = fc
    .tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 }))
    .chain(([height, width]) =>
      fc.record({
        spatial: fc.constant([height, width] as const),
        labels: fc.uint8Array({ minLength: height * width, maxLength: height * width, max: 2 }),
      }),
    )
  fc.assert(
    fc.property(masks, ({ spatial, labels }) => {
      const path = labelOutline(labels, spatial, 1)
      expect([...fill(path, spatial)]).toEqual(Array.from(labels, (label) => (label === 1 ? 1 : 0)))
    }),
  )
})

/** Rasterises a path of axis-parallel loops by counting the vertical edges left of each pixel's centre. */
function fill(path: string, [height, width]: readonly [number, number]): Uint8Array {
  const mask = new Uint8Array(height * width)
  for (const loop of path.split('Z').filter(Boolean)) {
    const corners = loop
      .slice(1)
      .split('L')
      .map((corner) => corner.split(' ').map(Number))
    corners.forEach(([x, y], index) => {
      const [nextX, nextY] = corners[(index + 1) % corners.length]!
      if (x !== nextX) return
      for (let row = Math.min(y!, nextY!); row < Math.max(y!, nextY!); row++) {
        for (let column = x!; column < width; column++) mask[row * width + column]! ^= 1
      }
    })
  }
  return mask
}
