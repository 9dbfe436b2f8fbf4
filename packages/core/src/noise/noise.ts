// Which normal belongs to which sample: the counter mapping, a promise across versions and backends.
//
//   key      (seed mod 2³², ⌊seed / 2³²⌋)
//   counter  (index, plane, ⌊sample / 4⌋, stream)   word: sample mod 4, normals taken pairwise (words 0,1 and 2,3)
//   ε        index = voxel,     plane = class,       stream = the image's stream
//   z        index = component, plane = 2³² − 1,     stream = the image's stream
//
// Beside samples, the i-th draw of a kind (sequence: which of several, e.g. of weight tensors; attempt: rejections so far):
//
//   integer  (i, 2³² − 2, attempt, stream)        shuffle  (i, 2³² − 3, attempt, stream)
//   plain normals  (⌊i / 4⌋, 2³² − 4, sequence, stream)   word: i mod 4
//
// Image n of a batch has stream `stream + n`. So a normal depends on nothing but (seed, stream, sample, class, voxel).
import { ValueError } from '../errors'
import { normalPairInto } from './normal'
import { philox4x32Into } from './philox'

/** The plane of z, apart from every class. */
export const FACTOR_PLANE = 0xffffffff
/** The planes of draws that belong to no sample. */
export const INTEGER_PLANE = 0xfffffffe
export const SHUFFLE_PLANE = 0xfffffffd
export const NORMAL_PLANE = 0xfffffffc

/** A seed as Philox's key. Throws {@link ValueError} unless it is a whole number in [0, 2^53). */
export function seedKey(seed: number): readonly [number, number] {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new ValueError('seed', {
      found: String(seed),
      expected: 'a whole number from 0 to 2^53 − 1',
      remedy: 'Larger numbers are not exact in JavaScript',
    })
  }
  return [seed >>> 0, Math.floor(seed / 2 ** 32)]
}

const words = new Uint32Array(4)

/** The four normals of samples 4·quad … 4·quad + 3 at (index, plane, stream), into `output` at `offset`. */
export function normalQuadInto(
  output: Float32Array,
  offset: number,
  key: readonly [number, number],
  index: number,
  plane: number,
  quad: number,
  stream: number,
): void {
  philox4x32Into(words, index, plane, quad, stream, key[0], key[1])
  normalPairInto(output, offset, words[0]!, words[1]!)
  normalPairInto(output, offset + 2, words[2]!, words[3]!)
}
