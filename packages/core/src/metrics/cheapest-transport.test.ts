import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cheapestTransport } from './cheapest-transport'

/** Of all ways to pair `size` rows with as many columns, both repeated, the cheapest one's mean cost. */
function cheapestPairing(cost: Float64Array, rows: number, columns: number, size: number): number {
  const best = (row: number, taken: number): number => {
    if (row === size) return 0
    let least = Number.POSITIVE_INFINITY
    for (let column = 0; column < size; column++) {
      if (taken & (1 << column)) continue
      const price = cost[(row % rows) * columns + (column % columns)]!
      least = Math.min(least, price + best(row + 1, taken | (1 << column)))
    }
    return least
  }
  return best(0, 0) / size
}

it('costs what the best of all pairings of repeated rows and columns costs', () => {
  const problem = fc
    .constantFrom([1, 1, 1], [1, 5, 5], [6, 1, 6], [4, 4, 4], [6, 2, 6], [2, 3, 6], [3, 2, 6], [6, 6, 6])
    .chain(([rows, columns, size]) =>
      fc.record({
        sizes: fc.constant([rows, columns, size] as [number, number, number]),
        cost: fc.float64Array({
          minLength: rows! * columns!,
          maxLength: rows! * columns!,
          min: -20,
          max: 20,
          noNaN: true,
        }),
        whole: fc.boolean(),
      }),
    )
  fc.assert(
    fc.property(problem, ({ sizes: [rows, columns, size], cost: drawn, whole }) => {
      // Whole numbers make ties.
      const cost = whole ? drawn.map(Math.round) : drawn
      const cheapest = cheapestPairing(cost, rows, columns, size)
      expect(cheapestTransport(cost, rows, columns)).toBeCloseTo(cheapest, 9)
    }),
    { numRuns: 300 },
  )
})

it('costs the same with the roles of rows and columns exchanged, and with each repeated', () => {
  const problem = fc
    .record({ rows: fc.integer({ min: 1, max: 12 }), columns: fc.integer({ min: 1, max: 12 }) })
    .chain(({ rows, columns }) =>
      fc.record({
        rows: fc.constant(rows),
        columns: fc.constant(columns),
        cost: fc.float64Array({
          minLength: rows * columns,
          maxLength: rows * columns,
          min: 0,
          max: 1,
          noNaN: true,
        }),
      }),
    )
  fc.assert(
    fc.property(problem, ({ rows, columns, cost }) => {
      const cheapest = cheapestTransport(cost, rows, columns)
      const transposed = cost.map((_, index) => cost[(index % rows) * columns + Math.floor(index / rows)]!)
      expect(cheapestTransport(transposed, columns, rows)).toBeCloseTo(cheapest, 12)
      const repeated = Float64Array.of(...cost, ...cost, ...cost)
      expect(cheapestTransport(repeated, 3 * rows, columns)).toBeCloseTo(cheapest, 12)
    }),
  )
})

it('solves a matrix whose greedy answer is wrong', () => {
  expect(cheapestTransport(Float64Array.of(1, 2, 2, 100), 2, 2)).toBe(2)
})

it('moves parts of a row where the numbers do not divide', () => {
  // Two rows of three thirds each, three columns of two: the first row fills the free column and half of the second.
  expect(cheapestTransport(Float64Array.of(0, 1, 5, 9, 3, 1), 2, 3)).toBeCloseTo(
    (0 + 0 + 1 + 3 + 1 + 1) / 6,
    12,
  )
})
