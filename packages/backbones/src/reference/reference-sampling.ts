// Up-sampling in the reference interpreter: the value at one position of the up-sampled grid.
import { positions, type ReferenceTensor, sum, valueAt } from './reference-tensor'

export function nearestSample(
  input: ReferenceTensor,
  n: number,
  c: number,
  at: readonly number[],
  factor: readonly number[],
): number {
  return valueAt(
    input,
    n,
    c,
    at.map((index, axis) => Math.floor(index / factor[axis]!)),
  )
}

/** Half-pixel centres, clamped at the border. */
export function linearSample(
  input: ReferenceTensor,
  n: number,
  c: number,
  at: readonly number[],
  factor: readonly number[],
): number {
  const places = at.map((index, axis) => {
    const last = input.shape[axis + 2]! - 1
    return Math.min(Math.max((index + 0.5) / factor[axis]! - 0.5, 0), last)
  })
  return sum(
    positions(at.map(() => 2)).map((corner) => {
      const share = corner.reduce((product, upper, axis) => {
        const fraction = places[axis]! - Math.floor(places[axis]!)
        return product * (upper === 1 ? fraction : 1 - fraction)
      }, 1)
      const position = places.map((place, axis) => Math.floor(place) + corner[axis]!)
      return share === 0 ? 0 : share * valueAt(input, n, c, position)
    }),
  )
}
