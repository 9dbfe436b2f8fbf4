import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hungarianAssignment } from './hungarian-assignment'

function cheapest(cost: Float64Array, size: number, row = 0, taken = 0): number {
  if (row === size) return 0
  let best = Number.POSITIVE_INFINITY
  for (let column = 0; column < size; column++) {
    if (taken & (1 << column)) continue
    best = Math.min(best, cost[row * size + column]! + cheapest(cost, size, row + 1, taken | (1 << column)))
  }
  return best
}

it('finds the cheapest assignment, like brute force', () => {
  const matrix = fc.nat(6).chain((size) =>
    fc.record({
      size: fc.constant(size),
      cost: fc.float64Array({
        minLength: size * size,
        maxLength: size * size,
        min: -20,
        max: 20,
        noNaN: true,
      }),
      whole: fc.boolean(),
    }),
  )
  fc.assert(
    fc.property(matrix, ({ size, cost: drawn, whole }) => {
      // Whole numbers make ties.
      const cost = whole ? drawn.map(Math.round) : drawn
      const columns = hungarianAssignment(cost, size)
      expect([...columns].sort()).toEqual(Array.from({ length: size }, (_, index) => index))
      const total = columns.reduce((sum, column, row) => sum + cost[row * size + column]!, 0)
      expect(total).toBeCloseTo(cheapest(cost, size), 9)
    }),
    { numRuns: 300 },
  )
})

it('solves a matrix whose greedy answer is wrong', () => {
  expect([...hungarianAssignment(Float64Array.of(1, 2, 2, 100), 2)]).toEqual([1, 0])
})
