// The cheapest way to bring equal shares from rows to columns.

/**
 * Least mean cost of moving a unit of mass, spread evenly over the rows, so that it lies evenly over the columns.
 *
 * That is the Hungarian assignment's mean cost once rows and columns are each repeated up to their least common
 * multiple, without the repetition: shares of a row move as whole numbers (Hitchcock 1941), by successive shortest
 * paths with potentials (Edmonds & Karp 1972; Tomizawa 1971).
 *
 * @param cost finite, `[rows, columns]`, row by row.
 */
export function cheapestTransport(cost: Float64Array, rows: number, columns: number): number {
  const divisor = greatestCommonDivisor(rows, columns)
  const [supply, demand] = [columns / divisor, rows / divisor]
  const moved = new Float64Array(rows * columns)
  const room = new Float64Array(columns).fill(demand)
  const rowPotential = new Float64Array(rows)
  const columnPotential = new Float64Array(columns)

  // Of the search for a shortest path: distances, where they came from (a row's column, a column's row), what is settled.
  const rowDistance = new Float64Array(rows)
  const rowFrom = new Int32Array(rows)
  const rowReached = new Uint8Array(rows)
  const columnDistance = new Float64Array(columns)
  const columnFrom = new Int32Array(columns)
  const columnSettled = new Uint8Array(columns)

  function reach(row: number, distance: number, from: number): void {
    rowDistance[row] = distance
    rowFrom[row] = from
    rowReached[row] = 1
    for (let column = 0; column < columns; column++) {
      if (columnSettled[column]) continue
      const through = distance + cost[row * columns + column]! - rowPotential[row]! - columnPotential[column]!
      if (through >= columnDistance[column]!) continue
      columnDistance[column] = through
      columnFrom[column] = row
    }
  }

  /** Settles columns from the nearest on, until one has room; gives it. */
  function nearestRoom(start: number): number {
    rowReached.fill(0)
    columnSettled.fill(0)
    columnDistance.fill(Number.POSITIVE_INFINITY)
    reach(start, 0, -1)
    for (;;) {
      let nearest = -1
      for (let column = 0; column < columns; column++) {
        if (columnSettled[column]) continue
        if (nearest < 0 || columnDistance[column]! < columnDistance[nearest]!) nearest = column
      }
      columnSettled[nearest] = 1
      if (room[nearest]! > 0) return nearest
      for (let row = 0; row < rows; row++) {
        if (!rowReached[row] && moved[row * columns + nearest]! > 0) {
          reach(row, columnDistance[nearest]!, nearest)
        }
      }
    }
  }

  for (let start = 0; start < rows; start++) {
    let left = supply
    while (left > 0) {
      const target = nearestRoom(start)
      const length = columnDistance[target]!
      for (let row = 0; row < rows; row++) {
        if (rowReached[row]) rowPotential[row]! += length - rowDistance[row]!
      }
      for (let column = 0; column < columns; column++) {
        if (columnSettled[column]) columnPotential[column]! -= length - columnDistance[column]!
      }

      // As much as every step back along the path can give.
      let amount = Math.min(left, room[target]!)
      for (let row = columnFrom[target]!; row !== start; row = columnFrom[rowFrom[row]!]!) {
        amount = Math.min(amount, moved[row * columns + rowFrom[row]!]!)
      }
      for (let column = target; column >= 0; ) {
        const row = columnFrom[column]!
        moved[row * columns + column]! += amount
        column = rowFrom[row]!
        if (column >= 0) moved[row * columns + column]! -= amount
      }
      room[target]! -= amount
      left -= amount
    }
  }
  return moved.reduce((sum, amount, index) => sum + amount * cost[index]!, 0) / (rows * supply)
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
