// The overlap kernel in plain TypeScript: its twin, and what runs where there is no WebAssembly.
import type { CountedMaps, OverlapTally } from './overlap-counts'

/** Counts 32 voxels at a time, one bit each and class. */
export function plainOverlapTally({ maps, classes, roi }: CountedMaps): OverlapTally {
  const shared = new Uint32Array((classes - 1) * maps.length ** 2)
  const agreed = new Uint32Array(256)
  const words = new Int32Array(classes * maps.length)
  const voxels = maps[0]!.length
  let largest = 0
  for (let start = 0; start < voxels; start += 32) {
    const end = Math.min(start + 32, voxels)
    words.fill(0)
    let varies = false
    for (let voxel = start; voxel < end; voxel++) {
      if (roi?.[voxel] === 0) continue
      const label = maps[0]![voxel]!
      let same = true
      for (let map = 0; map < maps.length; map++) {
        const other = maps[map]![voxel]!
        if (other > largest) largest = other
        if (other !== label) same = false
      }
      if (same) {
        agreed[label]!++
        continue
      }
      varies = true
      for (let map = 0; map < maps.length; map++) words[maps[map]![voxel]! * maps.length + map]! |= 1 << voxel
    }
    if (varies) countBits(words, maps.length, shared)
  }
  return { shared, agreed, largest }
}

function countBits(words: Int32Array, maps: number, shared: Uint32Array): void {
  let counter = 0
  for (let row = maps; row < words.length; row += maps) {
    for (let a = 0; a < maps; a++) {
      for (let b = a; b < maps; b++) {
        shared[counter + b]! += bitCount(words[row + a]! & words[row + b]!)
      }
      counter += maps
    }
  }
}

/** Ones in a 32-bit word: sums of neighbours, in parallel (Warren, Hacker's Delight, section 5-1). */
function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555)
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
