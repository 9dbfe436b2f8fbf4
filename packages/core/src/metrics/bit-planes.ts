// Label maps as one bit a voxel and class, so that an overlap is 32 voxels at a time: AND, then count the bits.
import { countLabelMaps, type LabelMapSizes } from './label-maps'

/** Label maps packed by {@link bitPlanes}. */
export interface BitPlanes {
  /** Number of label maps. */
  readonly count: number
  /** Foreground classes. */
  readonly classes: number
  /** 32-bit words of one plane. */
  readonly words: number
  /** `[count, classes, words]`. */
  readonly bits: Int32Array
  /** Voxels of each class, `[count, classes]`. */
  readonly volumes: Float64Array
}

/** Packs label maps laid end to end. Throws as `generalizedEnergyDistance` does, naming `subject`. */
export function bitPlanes(subject: string, labelMaps: Uint8Array, sizes: LabelMapSizes): BitPlanes {
  const count = countLabelMaps(subject, labelMaps, sizes)
  const { voxels } = sizes
  const classes = sizes.classes - 1
  const words = Math.ceil(voxels / 32)
  const bits = new Int32Array(count * classes * words)
  const volumes = new Float64Array(count * classes)
  for (let map = 0; map < count; map++) {
    for (let voxel = 0; voxel < voxels; voxel++) {
      const label = labelMaps[map * voxels + voxel]!
      if (label === 0) continue
      const plane = map * classes + label - 1
      bits[plane * words + (voxel >>> 5)]! |= 1 << voxel
      volumes[plane]!++
    }
  }
  return { count, classes, words, bits, volumes }
}

/** Voxels that two planes (map · classes + class) share. */
export function planeOverlap(a: BitPlanes, planeA: number, b: BitPlanes, planeB: number): number {
  const offsetA = planeA * a.words
  const offsetB = planeB * b.words
  let overlap = 0
  for (let word = 0; word < a.words; word++) {
    overlap += bitCount(a.bits[offsetA + word]! & b.bits[offsetB + word]!)
  }
  return overlap
}

/** Ones in a 32-bit word: sums of neighbours, in parallel (Warren, Hacker's Delight, section 5-1). */
function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555)
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
