// Voxels that label maps share, pair by pair and class by class: the one hot path of the metrics.
import type { KernelInstance } from '../kernels/kernel-instance'
import { localKernels } from '../kernels/kernel-module'
import { plainOverlapTally } from './plain-overlap-tally'

/** Label maps of one size, whose labels are not checked. */
export interface CountedMaps {
  /** `[*S]` each; at least one. */
  readonly maps: readonly Uint8Array[]
  /** Background included. */
  readonly classes: number
  /** `[*S]`; where it is 0, all maps are background. */
  readonly roi?: Uint8Array | undefined
}

/** What the kernel and its twin count. */
export interface OverlapTally {
  /** `[classes − 1, maps, maps]`, the upper triangle: voxels of the class in both maps of a pair, where not all maps agree. */
  readonly shared: Uint32Array
  /** `[256]`: voxels of each label that all maps have and that are not in `shared`. */
  readonly agreed: Uint32Array
  /** The largest label inside the region. */
  readonly largest: number
}

/** What was counted. */
export interface OverlapCounts {
  /** `[classes − 1, maps, maps]`: voxels of the class in both maps of a pair; on the diagonal, in the map. */
  readonly shared: Uint32Array
  /** The largest label inside the region. From {@link CountedMaps.classes} on, the counts mean nothing. */
  readonly largest: number
}

/** Counts in memory that does not grow with the voxels. */
export function overlapCounts(counted: CountedMaps): OverlapCounts {
  const kernels = localKernels()
  return completed(kernels ? overlapTally(counted, kernels) : plainOverlapTally(counted), counted)
}

/** A tally with both triangles filled, and what all maps agree on added. */
export function completed(
  { shared, agreed, largest }: OverlapTally,
  { maps: { length: maps }, classes }: CountedMaps,
): OverlapCounts {
  for (let label = 1; label < classes; label++) {
    const plane = shared.subarray((label - 1) * maps ** 2, label * maps ** 2)
    for (let a = 0; a < maps; a++) {
      for (let b = a; b < maps; b++) {
        plane[b * maps + a] = plane[a * maps + b]! += agreed[label]!
      }
    }
  }
  return { shared, largest }
}

/** Voxels that the kernel is given at a time. The distance between maps is no power of two, which would crowd the cache. */
const RUN = 4096
const STRIDE = RUN + 64
/** As in assembly/overlap.ts. */
const PLANE_BYTES = 256
const FIELDS = 12
const [VOXELS, LAST, LARGEST] = [2, 9, 11]

/** Counts by the WASM kernel, a run of voxels at a time. */
export function overlapTally({ maps, classes, roi }: CountedMaps, kernels: KernelInstance): OverlapTally {
  const voxels = maps[0]!.length
  let bytes = FIELDS * 4
  const allocate = (length: number): number => {
    const position = bytes
    bytes = Math.ceil((bytes + length) / 64) * 64
    return kernels.heap + position
  }
  const labels = allocate(maps.length * STRIDE)
  const roiRun = allocate(RUN)
  const planes = allocate((classes - 1) * maps.length * PLANE_BYTES)
  const sharedLength = (classes - 1) * maps.length ** 2
  const shared = allocate(sharedLength * 4)
  const agreed = allocate(256 * 4)

  const memory = kernels.memory(bytes)
  const header = new Uint32Array(memory, kernels.heap, FIELDS)
  header.set([maps.length, classes, 0, STRIDE, labels, roi ? roiRun : 0, planes, shared, agreed, 0, 0, 0])
  const sharedCounts = new Uint32Array(memory, shared, sharedLength).fill(0)
  const agreedCounts = new Uint32Array(memory, agreed, 256).fill(0)
  const all = new Uint8Array(memory)

  for (let start = 0; start < voxels; start += RUN) {
    const end = Math.min(start + RUN, voxels)
    const padded = Math.ceil((end - start) / 16) * 16
    const write = (source: Uint8Array, address: number): void => {
      all.set(source.subarray(start, end), address)
      all.fill(0, address + end - start, address + padded)
    }
    maps.forEach((map, index) => {
      write(map, labels + index * STRIDE)
    })
    if (roi) write(roi, roiRun)
    header[VOXELS] = padded
    header[LAST] = Number(end === voxels)
    kernels.run('overlaps')
  }
  return { shared: sharedCounts.slice(), agreed: agreedCounts.slice(), largest: header[LARGEST]! }
}
