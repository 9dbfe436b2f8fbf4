import { expect, it } from 'vitest'
import { classMajorFactor } from './factor-layout'

it('orders channels by class, then component, image by image', () => {
  // Each value names its image, component, class and voxel.
  const value = (image: number, component: number, klass: number, voxel: number): number =>
    1000 * image + 100 * component + 10 * klass + voxel
  const every = [0, 1, 2]
  const given = [0, 1].flatMap((n) =>
    every.flatMap((r) => [0, 1].flatMap((c) => [0, 1].map((v) => value(n, r, c, v)))),
  )
  const expected = [0, 1].flatMap((n) =>
    [0, 1].flatMap((c) => every.flatMap((r) => [0, 1].map((v) => value(n, r, c, v)))),
  )
  const found = classMajorFactor(Float32Array.from(given), { batch: 2, classes: 2, rank: 3 })
  expect([...found]).toEqual(expected)
})
