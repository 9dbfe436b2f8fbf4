// A smooth random displacement: a uniform cubic B-spline over a coarse lattice, one for each axis.

/** The spline's coefficients, in voxels. */
export interface ElasticLattice {
  /** Voxels between neighbouring coefficients. */
  readonly spacing: number
  /** Coefficients along [z, y, x]. */
  readonly size: readonly [number, number, number]
  /** `[3, *size]`: along z, y and x. */
  readonly coefficients: Float64Array
}

/** Coefficients that an axis of `length` voxels needs; an axis of one voxel needs one. */
export function latticeLength(length: number, spacing: number): number {
  return length === 1 ? 1 : Math.floor((length - 1) / spacing) + 4
}

/** Evaluates a lattice row by row: axis by axis, so that a voxel costs four products an axis of displacement. */
export class ElasticRows {
  readonly #lattice: ElasticLattice
  readonly #columns: Taps
  /** The lattice at one z, `[3, y, x]`, and at one z and y, `[3, x]`. */
  readonly #plane: Float64Array
  readonly #line: Float64Array
  #planeAt = -1

  constructor(lattice: ElasticLattice, width: number) {
    const [, rows, columns] = lattice.size
    this.#lattice = lattice
    this.#columns = taps(width, lattice.spacing)
    this.#plane = new Float64Array(3 * rows * columns)
    this.#line = new Float64Array(3 * columns)
  }

  /** Adds the displacements of row (z, y) to `positions`, `[3, width]`. */
  addTo(positions: Float64Array, z: number, y: number): void {
    const { size, coefficients, spacing } = this.#lattice
    const [planes, rows, columns] = size
    if (this.#planeAt !== z) {
      combine(this.#plane, coefficients, planes, rows * columns, z / spacing)
      this.#planeAt = z
    }
    combine(this.#line, this.#plane, rows, columns, y / spacing)
    const { first, weights } = this.#columns
    const width = first.length
    const line = this.#line
    for (let axis = 0; axis < 3; axis++) {
      for (let x = 0; x < width; x++) {
        const at = axis * columns + first[x]!
        const w = 4 * x
        positions[axis * width + x]! +=
          weights[w]! * line[at]! +
          weights[w + 1]! * line[at + 1]! +
          weights[w + 2]! * line[at + 2]! +
          weights[w + 3]! * line[at + 3]!
      }
    }
  }
}

/** For every voxel of a row, its first coefficient and the weights of four. */
interface Taps {
  readonly first: Int32Array
  readonly weights: Float64Array
}

function taps(length: number, spacing: number): Taps {
  const weights = new Float64Array(4 * length)
  const first = Int32Array.from({ length }, (_, voxel) => {
    const cell = Math.floor(voxel / spacing)
    weights.set(splineWeights(voxel / spacing - cell), 4 * voxel)
    return cell
  })
  return { first, weights }
}

/** `output[axis, i] = Σ_k weight_k · source[axis, k, i]` at `place` (in cells) along the axis of `length` coefficients. */
function combine(
  output: Float64Array,
  source: Float64Array,
  length: number,
  stride: number,
  place: number,
): void {
  const cell = Math.floor(place)
  const weights = length === 1 ? [1] : splineWeights(place - cell)
  output.fill(0)
  for (let axis = 0; axis < 3; axis++) {
    for (const [tap, weight] of weights.entries()) {
      const from = (axis * length + cell + tap) * stride
      for (let index = 0; index < stride; index++)
        output[axis * stride + index]! += weight * source[from + index]!
    }
  }
}

/** The uniform cubic B-spline's four weights at `t` ∈ [0, 1): not negative, with the sum 1. */
function splineWeights(t: number): readonly [number, number, number, number] {
  const rest = 1 - t
  return [
    (rest * rest * rest) / 6,
    (3 * t * t * t - 6 * t * t + 4) / 6,
    (3 * rest * rest * rest - 6 * rest * rest + 4) / 6,
    (t * t * t) / 6,
  ]
}
