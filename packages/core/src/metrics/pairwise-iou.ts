// IoU distances between all maps of two sets: the one hot path of the metrics.
import { type BitPlanes, planeOverlap } from './bit-planes'

/** Distances between two sets of label maps. */
export interface DistanceMatrix {
  readonly rows: number
  readonly columns: number
  /** `[rows, columns]`. */
  readonly values: Float64Array
}

/** `iouDistance` of every map of `a` (rows) to every map of `b` (columns), which must have the same sizes. */
export function pairwiseIouDistance(a: BitPlanes, b: BitPlanes): DistanceMatrix {
  const values = new Float64Array(a.count * b.count)
  for (let row = 0; row < a.count; row++) {
    for (let column = 0; column < b.count; column++) {
      // Within one set the matrix is symmetric: half of it was computed already.
      values[row * b.count + column] =
        a === b && column < row ? values[column * b.count + row]! : distance(a, row, b, column)
    }
  }
  return { rows: a.count, columns: b.count, values }
}

function distance(a: BitPlanes, mapA: number, b: BitPlanes, mapB: number): number {
  let sum = 0
  for (let index = 0; index < a.classes; index++) {
    const planeA = mapA * a.classes + index
    const planeB = mapB * b.classes + index
    const total = a.volumes[planeA]! + b.volumes[planeB]!
    if (total === 0) {
      sum += 1
    } else {
      const overlap = planeOverlap(a, planeA, b, planeB)
      sum += overlap / (total - overlap)
    }
  }
  return 1 - sum / a.classes
}
