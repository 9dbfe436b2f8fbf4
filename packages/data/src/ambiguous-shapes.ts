// Generated images that several simulated raters read differently, with the distribution of their label maps known exactly.
//
// A bright core that everybody marks, a paler rim that a rater marks as a whole or not at all, and sometimes a pale
// satellite beside it, likewise. The paler, the less often marked; rim and satellite are decided independently.
// So an image has two or four label maps, and a Gaussian over logits needs one factor column for each pale region.
import { type Case, type Dataset, randomInteger, standardNormals, ValueError } from '@stochseg/core'
import { normalizeIntensities } from './intensities'
import type { Split } from './open-options'
import { SPLITS } from './patient-split'

/** One of the label maps that an image can have. */
export interface Mode {
  /** `[height, width]`, 0 or 1. */
  readonly labelMap: Uint8Array
  readonly probability: number
}

/** A data set whose raters are drawn from a known distribution. */
export interface AmbiguousDataset extends Dataset {
  /** The label maps of case `index` with their probabilities, which sum to 1. */
  modes(index: number): readonly Mode[]
}

/** A region that is marked as a whole, with this probability. */
interface Region {
  readonly voxels: Uint8Array
  readonly probability: number
}

const BACKGROUND = 0.2
const CORE = 0.8
const NOISE = 0.05
/** Index of the first uniform that decides what raters mark; those before it shape the image. */
const RATERS_FROM = 1000
/** Streams are 32-bit: as many for each split. */
const STREAMS_PER_SPLIT = 2 ** 30

/**
 * Generates one split: grey images `[1, size, size]` of 8-bit intensities in [−½, ½], label maps of 0 and 1.
 *
 * Case `index` depends on (seed, split, index, size) alone, whatever `cases` is, and its first raters are the same
 * whatever `raters` is.
 *
 * @param options number of `cases` ≥ 1; `size` in pixels from 16 to 1024 (32); number of `raters` from 1 to 1000 (4);
 * `seed` in [0, 2^53) (0).
 * @throws ValueError for a number out of range.
 */
export function ambiguousShapes(options: {
  readonly split: Split
  readonly cases: number
  readonly size?: number
  readonly raters?: number
  readonly seed?: number
}): AmbiguousDataset {
  const { split, cases, size = 32, raters = 4, seed = 0 } = options
  checkRange('cases', cases, 1, STREAMS_PER_SPLIT)
  checkRange('size', size, 16, 1024)
  checkRange('raters', raters, 1, 1000)
  const streamOf = (index: number): number => SPLITS.indexOf(split) * STREAMS_PER_SPLIT + index

  return {
    name: `ambiguous shapes, ${split}, seed ${seed}`,
    channels: 1,
    classes: 2,
    spatial: [size, size],
    length: cases,
    case: async (index): Promise<Case> => {
      const stream = streamOf(index)
      const { core, regions, pixels } = draw(size, seed, stream)
      const labels = new Uint8Array(raters * size * size)
      for (let rater = 0; rater < raters; rater++) {
        const marked = regions.filter(
          ({ probability }, region) => uniform(seed, stream, RATERS_FROM + 2 * rater + region) < probability,
        )
        labels.set(union(core, marked), rater * size * size)
      }
      return {
        id: `${split}-${String(index).padStart(5, '0')}`,
        image: normalizeIntensities(pixels, 255),
        raters: labels,
      }
    },
    modes: (index) => {
      const { core, regions } = draw(size, seed, streamOf(index))
      return Array.from({ length: 2 ** regions.length }, (_, bits) => {
        const marked = (region: number): boolean => ((bits >> region) & 1) === 1
        return {
          labelMap: union(
            core,
            regions.filter((_, region) => marked(region)),
          ),
          probability: regions.reduce(
            (product, { probability }, region) => product * (marked(region) ? probability : 1 - probability),
            1,
          ),
        }
      })
    },
  }
}

/** The picture of one case: 8-bit pixels, the core, and the regions that raters may leave out. */
function draw(
  size: number,
  seed: number,
  stream: number,
): { readonly core: Uint8Array; readonly regions: readonly Region[]; readonly pixels: Uint8Array } {
  const between = (index: number, least: number, most: number): number =>
    least + (most - least) * uniform(seed, stream, index)
  const directions = standardNormals(4, { seed, stream })
  const noise = standardNormals(size * size, { seed, stream, plane: 1 })

  const outer = size * between(0, 0.16, 0.26)
  const centre = [size * between(1, 0.28, 0.72), size * between(2, 0.28, 0.72)] as const
  const lesion = { centre, axis: unit(directions[0]!, directions[1]!), aspect: between(3, 0.7, 1) }
  const core = ellipse(size, { ...lesion, radius: outer * between(4, 0.4, 0.6) })
  const rim = ellipse(size, { ...lesion, radius: outer }).map((inside, voxel) => inside & ~core[voxel]!)

  const radius = size * between(5, 0.09, 0.14)
  const away = unit(directions[2]!, directions[3]!)
  const distance = outer + radius + size / 16
  // Towards the middle, so that it lies within the image.
  const place = (axis: 0 | 1): number =>
    centre[axis] + Math.sign(size / 2 - centre[axis]) * Math.abs(away[axis]) * distance
  const satellite = ellipse(size, { centre: [place(0), place(1)], axis: away, aspect: 1, radius })

  const pale = uniform(seed, stream, 6) < 0.7 ? [rim, satellite] : [rim]
  const contrasts = pale.map((_, region) => uniform(seed, stream, 7 + region))
  const pixels = Uint8Array.from(noise, (normal, voxel) => {
    const region = pale.findIndex((voxels) => voxels[voxel] === 1)
    const contrast = core[voxel] === 1 ? 1 : region < 0 ? 0 : 0.25 + 0.5 * contrasts[region]!
    const intensity = BACKGROUND + (CORE - BACKGROUND) * contrast + NOISE * normal
    return Math.round(255 * Math.min(1, Math.max(0, intensity)))
  })
  const regions = pale.map((voxels, region) => ({ voxels, probability: 0.2 + 0.6 * contrasts[region]! }))
  return { core, regions, pixels }
}

/** The voxels of an ellipse: `radius` along `axis`, `radius · aspect` across it. */
function ellipse(
  size: number,
  shape: {
    readonly centre: readonly [number, number]
    readonly axis: readonly [number, number]
    readonly aspect: number
    readonly radius: number
  },
): Uint8Array {
  const { centre, axis, aspect, radius } = shape
  return Uint8Array.from({ length: size * size }, (_, voxel) => {
    const row = Math.floor(voxel / size) + 0.5 - centre[0]
    const column = (voxel % size) + 0.5 - centre[1]
    const along = row * axis[0] + column * axis[1]
    const across = (column * axis[0] - row * axis[1]) / aspect
    return along * along + across * across < radius * radius ? 1 : 0
  })
}

/** A direction from two normals: uniform, and without the trigonometry whose last bit differs between machines. */
function unit(x: number, y: number): readonly [number, number] {
  const length = Math.sqrt(x * x + y * y)
  return [x / length, y / length]
}

function union(core: Uint8Array, regions: readonly Region[]): Uint8Array {
  return core.map((inside, voxel) =>
    inside === 1 || regions.some(({ voxels }) => voxels[voxel] === 1) ? 1 : 0,
  )
}

function uniform(seed: number, stream: number, index: number): number {
  return randomInteger({ seed, stream, index }, 2 ** 32) / 2 ** 32
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new ValueError(name, {
    found: String(value),
    expected: `a whole number from ${least} to ${most}`,
    remedy: 'Choose another',
  })
}
