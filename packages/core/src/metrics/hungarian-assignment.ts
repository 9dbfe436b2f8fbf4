// The cheapest one-to-one assignment of rows to columns.

/**
 * Solves the square assignment problem in O(n³): the Hungarian method with shortest augmenting paths and potentials
 * (Kuhn 1955; Jonker & Volgenant 1987).
 *
 * @param cost finite, `[size, size]`, row by row.
 * @returns the column of each row.
 */
export function hungarianAssignment(cost: Float64Array, size: number): Uint32Array {
  // Index `size` stands for a column outside the matrix, where every augmenting path begins.
  const rowPotential = new Float64Array(size)
  const columnPotential = new Float64Array(size + 1)
  const rowOfColumn = new Int32Array(size + 1).fill(-1)
  const previousColumn = new Int32Array(size)
  const distance = new Float64Array(size)
  const visited = new Uint8Array(size + 1)

  for (let newRow = 0; newRow < size; newRow++) {
    rowOfColumn[size] = newRow
    distance.fill(Number.POSITIVE_INFINITY)
    visited.fill(0)
    let column = size
    while (rowOfColumn[column] !== -1) {
      visited[column] = 1
      const row = rowOfColumn[column]!
      let nearest = -1
      for (let candidate = 0; candidate < size; candidate++) {
        if (visited[candidate]) continue
        const reduced = cost[row * size + candidate]! - rowPotential[row]! - columnPotential[candidate]!
        if (reduced < distance[candidate]!) {
          distance[candidate] = reduced
          previousColumn[candidate] = column
        }
        if (nearest < 0 || distance[candidate]! < distance[nearest]!) nearest = candidate
      }
      const shift = distance[nearest]!
      for (let other = 0; other <= size; other++) {
        if (visited[other]) {
          rowPotential[rowOfColumn[other]!]! += shift
          columnPotential[other]! -= shift
        } else {
          distance[other]! -= shift
        }
      }
      column = nearest
    }
    while (column !== size) {
      const previous = previousColumn[column]!
      rowOfColumn[column] = rowOfColumn[previous]!
      column = previous
    }
  }

  const columnOfRow = new Uint32Array(size)
  for (let column = 0; column < size; column++) columnOfRow[rowOfColumn[column]!] = column
  return columnOfRow
}
