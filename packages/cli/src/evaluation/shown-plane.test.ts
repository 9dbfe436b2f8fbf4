import { expect, test } from 'vitest'
import { shownPlane } from './shown-plane'

test('of a volume, the plane that was marked most, over all raters', () => {
  const raters = new Uint8Array(2 * 24)
  raters[5] = 1
  raters.set([2, 1], 12)
  raters[24 + 6] = 1
  const plane = shownPlane(raters, [4, 2, 3])
  expect(plane).toMatchObject({ name: ', plane 2', spatial: [2, 3] })
  const numbers = Float32Array.from({ length: 48 }, (_, index) => index)
  expect([...plane.part(numbers)]).toEqual([12, 13, 14, 15, 16, 17, 36, 37, 38, 39, 40, 41])
  expect(shownPlane(new Uint8Array(24), [4, 2, 3]).name).toBe(', plane 2')
})

test('of an image, all', () => {
  const image = Float32Array.of(1, 2, 3, 4, 5, 6)
  const plane = shownPlane(new Uint8Array(6), [2, 3])
  expect(plane).toMatchObject({ name: '', spatial: [2, 3] })
  expect(plane.part(image)).toEqual(image)
})

test('no further than the region of interest reaches', () => {
  const labels = new Uint8Array(24)
  labels[9] = 1
  const roi = new Uint8Array(24)
  roi[9] = roi[14] = roi[18] = roi[19] = 1
  labels.fill(1, 12)
  const cropped = shownPlane(labels, [2, 3, 4], roi)
  expect(cropped).toMatchObject({ name: ', plane 1', spatial: [2, 2] })
  const numbers = Float32Array.from({ length: 48 }, (_, index) => index)
  expect([...cropped.part(numbers)]).toEqual([14, 15, 18, 19, 38, 39, 42, 43])
})
