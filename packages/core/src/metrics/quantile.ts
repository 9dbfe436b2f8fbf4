// Quantiles of a few numbers.
import { ValueError } from '../errors'

/**
 * The quantile of `probability` of numbers in ascending order, interpolated linearly between neighbours (Hyndman & Fan
 * 1996, type 7: numpy's default). NaN where there is no number.
 *
 * @throws ValueError for a probability outside [0, 1].
 */
export function quantile(ascending: ArrayLike<number>, probability: number): number {
  if (!(probability >= 0 && probability <= 1)) {
    throw new ValueError('probability', {
      found: String(probability),
      expected: 'a number in [0, 1]',
      remedy: 'The 95 % quantile is at 0.95',
    })
  }
  if (ascending.length === 0) return Number.NaN
  const position = probability * (ascending.length - 1)
  const below = Math.floor(position)
  const [low, high] = [ascending[below]!, ascending[Math.ceil(position)]!]
  return low + (high - low) * (position - below)
}
