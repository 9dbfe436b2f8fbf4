// Uniform integers and shuffles that are pure functions of (seed, stream, index).
import { UINT32_RANGE, wholeNumber } from '../whole-number'
import { checkedStream } from './draw-noise'
import { INTEGER_PLANE, SHUFFLE_PLANE, seedKey } from './noise'
import { philox4x32Into } from './philox'

const words = new Uint32Array(4)

/**
 * A uniform integer in `[0, bound)`, without bias.
 *
 * @param at `seed` in [0, 2^53); `stream` (0 by default) and `index` are 32-bit and tell draws apart.
 * @param bound from 1 to 2^32.
 * @throws ValueError for a number out of range.
 */
export function randomInteger(
  { seed, stream = 0, index }: { readonly seed: number; readonly stream?: number; readonly index: number },
  bound: number,
): number {
  wholeNumber('index', index, { most: UINT32_RANGE - 1, remedy: 'Indices are 32-bit: use another stream' })
  wholeNumber('bound', bound, { least: 1, most: UINT32_RANGE, remedy: 'The result lies in [0, bound)' })
  return integerAt(seedKey(seed), checkedStream(stream), index, INTEGER_PLANE, bound)
}

/**
 * The numbers 0 … length − 1 in random order, every order equally likely (Fisher & Yates).
 *
 * @param at `seed` in [0, 2^53) and 32-bit `stream` (0 by default).
 * @throws ValueError for a number out of range.
 */
export function shuffledIndices(
  length: number,
  { seed, stream = 0 }: { readonly seed: number; readonly stream?: number },
): Uint32Array {
  wholeNumber('length', length, { most: UINT32_RANGE - 1, remedy: 'It is the number of indices to shuffle' })
  const key = seedKey(seed)
  checkedStream(stream)
  const indices = Uint32Array.from({ length }, (_, index) => index)
  for (let last = length - 1; last > 0; last--) {
    const chosen = integerAt(key, stream, last, SHUFFLE_PLANE, last + 1)
    const held = indices[last]!
    indices[last] = indices[chosen]!
    indices[chosen] = held
  }
  return indices
}

function integerAt(
  key: readonly [number, number],
  stream: number,
  index: number,
  plane: number,
  bound: number,
): number {
  // Words past the last whole multiple of the bound would favour small results.
  const limit = UINT32_RANGE - (UINT32_RANGE % bound)
  for (let attempt = 0; ; attempt++) {
    philox4x32Into(words, index, plane, attempt, stream, key[0], key[1])
    for (const word of words) if (word < limit) return word % bound
  }
}
