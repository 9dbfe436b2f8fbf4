// All that overlap metrics need to know of some label maps, from one pass over their voxels.
import { ShapeError, ValueError } from '../errors'
import {
  checkBytes,
  checkClasses,
  checkLabels,
  checkMetricRoi,
  type LabelMapSizes,
  splitLabelMaps,
} from './label-maps'
import { overlapCounts } from './overlap-counts'

/** Counts that fit the kernel's memory with room to spare: 1 GiB. */
const MOST_COUNTS = 2 ** 28

/** Overlaps of every pair of label maps, which are known by their index; {@link indices} has those of each set. */
export class LabelMapOverlaps<Name extends string = string> {
  /** The label maps of each set, in their order. */
  readonly indices: Readonly<Record<Name, readonly number[]>>
  /** Foreground classes. */
  readonly #classes: number
  readonly #maps: number
  readonly #shared: Uint32Array

  /**
   * Counts the overlaps of all maps of all sets, in memory that does not grow with the voxels.
   *
   * @param sets label maps of one size, `[*S]` each, under the name that errors call them by.
   * @throws ShapeError for a roi that is not `[*S]`, ValueError for a label that is no class and for more maps than can be
   * compared at once.
   */
  constructor(
    sets: Readonly<Record<Name, readonly Uint8Array[]>>,
    options: Pick<LabelMapSizes, 'classes' | 'roi'>,
  ) {
    const { classes, roi } = options
    checkClasses(classes)
    const named = Object.entries(sets) as [Name, readonly Uint8Array[]][]
    const maps = named.flatMap(([, ofSet]) => ofSet)
    checkMetricRoi(roi, maps[0]!.length)
    if (maps.length ** 2 * (classes - 1) > MOST_COUNTS) {
      throw new ValueError('label maps', {
        found: `${maps.length} of ${classes} classes`,
        expected: `at most ${Math.floor(Math.sqrt(MOST_COUNTS / (classes - 1)))}, as each is compared with each`,
        remedy: 'Compare fewer samples',
      })
    }
    const { shared, largest } = overlapCounts({ maps, classes, roi })
    if (largest >= classes) for (const [name, ofSet] of named) checkLabels(name, ofSet, options)
    const indices = {} as Record<Name, readonly number[]>
    let next = 0
    for (const [name, { length }] of named) indices[name] = Array.from({ length }, () => next++)
    this.indices = indices
    this.#classes = classes - 1
    this.#maps = maps.length
    this.#shared = shared
  }

  /** Voxels of foreground class `klass` (from 0 up: label − 1) in map `a` and in map `b`. */
  shared(klass: number, a: number, b: number): number {
    return this.#shared[(klass * this.#maps + a) * this.#maps + b]!
  }

  /** Dice of two maps, one for each foreground class; undefined where both lack the class. */
  dice(a: number, b: number): (number | undefined)[] {
    return Array.from({ length: this.#classes }, (_, klass) => {
      const total = this.shared(klass, a, a) + this.shared(klass, b, b)
      return total === 0 ? undefined : (2 * this.shared(klass, a, b)) / total
    })
  }

  /** Intersection over union of two maps, as {@link dice}. */
  iou(a: number, b: number): (number | undefined)[] {
    return Array.from({ length: this.#classes }, (_, klass) => this.#iou(klass, a, b))
  }

  /** 1 − mean foreground IoU of two maps; a class that both lack counts as IoU 1. */
  iouDistance(a: number, b: number): number {
    let sum = 0
    for (let klass = 0; klass < this.#classes; klass++) sum += this.#iou(klass, a, b) ?? 1
    return 1 - sum / this.#classes
  }

  /** {@link iouDistance} of every map of one set (rows) to every map of another (columns). */
  iouDistances(rows: Name, columns: Name): DistanceMatrix {
    const { [rows]: rowMaps, [columns]: columnMaps } = this.indices
    const values = new Float64Array(rowMaps.length * columnMaps.length)
    let index = 0
    for (const row of rowMaps)
      for (const column of columnMaps) values[index++] = this.iouDistance(row, column)
    return { rows: rowMaps.length, columns: columnMaps.length, values }
  }

  #iou(klass: number, a: number, b: number): number | undefined {
    const both = this.shared(klass, a, b)
    const union = this.shared(klass, a, a) + this.shared(klass, b, b) - both
    return union === 0 ? undefined : both / union
  }
}

/** Distances between two sets of label maps. */
export interface DistanceMatrix {
  readonly rows: number
  readonly columns: number
  /** `[rows, columns]`. */
  readonly values: Float64Array
}

/** The overlaps of two label maps: maps 0 and 1. Throws as {@link LabelMapOverlaps}, and for maps of two sizes. */
export function pairOverlaps(
  a: Uint8Array,
  b: Uint8Array,
  options: Pick<LabelMapSizes, 'classes' | 'roi'>,
): LabelMapOverlaps {
  checkBytes('first label map', a)
  checkBytes('second label map', b)
  if (a.length !== b.length) {
    throw new ShapeError('label maps', {
      found: `${a.length} and ${b.length} voxels`,
      expected: 'two label maps of one size',
      remedy: 'Bring both to the same grid',
    })
  }
  return new LabelMapOverlaps({ 'first label map': [a], 'second label map': [b] }, options)
}

/** The overlaps of samples and raters, each laid end to end. Throws as {@link LabelMapOverlaps}. */
export function setOverlaps(
  samples: Uint8Array,
  raters: Uint8Array,
  sizes: LabelMapSizes,
): LabelMapOverlaps<'samples' | 'raters'> {
  const { voxels } = sizes
  const sets = {
    samples: splitLabelMaps('samples', samples, voxels),
    raters: splitLabelMaps('raters', raters, voxels),
  }
  return new LabelMapOverlaps(sets, sizes)
}
