// Reads numpy's .npy files, for tests against reference data.
import { readFileSync } from 'node:fs'
import { decodeNpy, type NpyArray } from '../packages/data/src/npy'

/** Reads an array at once. */
export function readNpy(path: string): NpyArray {
  return decodeNpy(readFileSync(path), path)
}
