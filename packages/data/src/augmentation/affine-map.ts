// Linear maps of three-dimensional space, axes [z, y, x]: what rotations, crops, flips and right angles come to.

/** A 3×3 matrix, row by row. */
export type Matrix = readonly number[]

export const IDENTITY: Matrix = [1, 0, 0, 0, 1, 0, 0, 0, 1]

/** The map that does `first`, then `then`. */
export function product(then: Matrix, first: Matrix): Matrix {
  return IDENTITY.map((_, entry) => {
    const row = entry - (entry % 3)
    const column = entry % 3
    return (
      then[row]! * first[column]! + then[row + 1]! * first[column + 3]! + then[row + 2]! * first[column + 6]!
    )
  })
}

export function applied(
  matrix: Matrix,
  [z, y, x]: readonly [number, number, number],
): [number, number, number] {
  const row = (at: number): number => matrix[at]! * z + matrix[at + 1]! * y + matrix[at + 2]! * x
  return [row(0), row(3), row(6)]
}

/** The rotation by `angle` (radians) about a unit vector (Rodrigues 1840). */
export function rotation(angle: number, [z, y, x]: readonly [number, number, number]): Matrix {
  const cosine = Math.cos(angle)
  const sine = Math.sin(angle)
  const rest = 1 - cosine
  return [
    cosine + rest * z * z,
    rest * z * y - sine * x,
    rest * z * x + sine * y,
    rest * y * z + sine * x,
    cosine + rest * y * y,
    rest * y * x - sine * z,
    rest * x * z - sine * y,
    rest * x * y + sine * z,
    cosine + rest * x * x,
  ]
}

/** Multiplies each axis by its factor: a crop that is rescaled, a flip. */
export function scaling([z, y, x]: readonly [number, number, number]): Matrix {
  return [z, 0, 0, 0, y, 0, 0, 0, x]
}

const ORDERS = [
  [0, 1, 2],
  [1, 2, 0],
  [2, 0, 1],
  [0, 2, 1],
  [2, 1, 0],
  [1, 0, 2],
] as const

/**
 * The rotations by right angles that map a box of these sizes to itself, the identity first: 24 of a cube. An axis of size 1
 * that stands for a missing one stays as it is.
 */
export function rightAngleRotations(size: readonly [number, number, number]): readonly Matrix[] {
  const rotations: Matrix[] = []
  for (const [index, order] of ORDERS.entries()) {
    if (order.some((from, to) => size[from] !== size[to])) continue
    for (let signs = 0; signs < 8; signs++) {
      const sign = order.map((_, axis) => ((signs >> axis) & 1 ? -1 : 1))
      const parity = (index < 3 ? 1 : -1) * sign[0]! * sign[1]! * sign[2]!
      const planar = size[0] > 1 || sign[0] === 1
      if (parity !== 1 || !planar) continue
      rotations.push(IDENTITY.map((_, at) => (order[(at / 3) | 0] === at % 3 ? sign[(at / 3) | 0]! : 0)))
    }
  }
  return rotations
}
