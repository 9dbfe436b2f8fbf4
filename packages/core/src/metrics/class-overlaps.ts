// Voxel counts that overlap metrics of two label maps are made of.
import { checkLabelMapPair } from './label-maps'

/** Voxels of one class in two label maps. */
export interface ClassOverlap {
  readonly first: number
  readonly second: number
  /** Voxels that have the class in both. */
  readonly both: number
}

/** The overlap of each foreground class (1 … classes − 1). Throws as `dice` does. */
export function classOverlaps(a: Uint8Array, b: Uint8Array, classes: number): ClassOverlap[] {
  checkLabelMapPair(a, b, classes)
  const first = new Float64Array(classes)
  const second = new Float64Array(classes)
  const both = new Float64Array(classes)
  for (let voxel = 0; voxel < a.length; voxel++) {
    const label = a[voxel]!
    first[label]!++
    second[b[voxel]!]!++
    if (label === b[voxel]) both[label]!++
  }
  return Array.from({ length: classes - 1 }, (_, index) => ({
    first: first[index + 1]!,
    second: second[index + 1]!,
    both: both[index + 1]!,
  }))
}
