// Which split a patient belongs to when a data set does not say.
import type { Split } from './open-options'

/** The splits, in their usual order. */
export const SPLITS: readonly Split[] = ['train', 'val', 'test']

/**
 * The split of a patient, 60 : 20 : 20, by a hash of the name alone: a patient stays where it is when others come.
 *
 * The hash is FNV-1a over UTF-16 units, then MurmurHash3's finaliser: FNV alone hardly moves the high bits of short names.
 */
export function splitOf(patient: string): Split {
  let hash = 0x811c9dc5
  for (let index = 0; index < patient.length; index++) {
    hash = Math.imul(hash ^ patient.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  const share = ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
  return share < 0.6 ? 'train' : share < 0.8 ? 'val' : 'test'
}
