// What an augmentation may do to a case, and how often; its ranges and defaults.
import { ValueError } from '@stochseg/core'

/** How often a change is made: in [0, 1], independently for each case and each kind of change. */
interface Chance {
  /** 1 unless given. */
  readonly probability?: number | undefined
}

/** Kinds of change; those left out are not made. Lengths are in voxels, whatever a voxel's size. */
export interface AugmentationOptions {
  /** A turn about the image's middle, by an angle uniform in ±`degrees` ∈ [0, 180]; in 3D about an axis of uniform direction. */
  readonly rotation?: (Chance & { readonly degrees: number }) | undefined
  /**
   * A box is cut out and rescaled to the image's size. Its sides are a fraction of the image's, uniform in [`smallest`, 1]
   * and the same for all axes; its place within the image is uniform. `smallest` ∈ (0, 1].
   */
  readonly crop?: (Chance & { readonly smallest: number }) | undefined
  /** Each of these axes (all, unless given) is reversed with the probability, ½ unless given, by a draw of its own. */
  readonly flips?: (Chance & { readonly axes?: readonly number[] | undefined }) | undefined
  /**
   * One of the rotations by right angles that keep the image's sizes (4 of a square, 24 of a cube), each equally likely.
   * Axes of different length are never exchanged.
   */
  readonly rightAngles?: Chance | undefined
  /**
   * A smooth displacement: along each axis a cubic B-spline whose coefficients lie `spacing` voxels apart (twice `alpha`,
   * unless given) and are uniform in ±`alpha`. So no voxel moves further than that along an axis; the root mean square is
   * 0.28 `alpha` in 2D and 0.19 in 3D. With a spacing of at least twice alpha no axis folds over.
   */
  readonly elastic?: (Chance & { readonly alpha: number; readonly spacing?: number | undefined }) | undefined
  /**
   * In each channel, intensities are multiplied by a normal of mean 1 and standard deviation `scaleDeviation` (0 unless
   * given), then a number uniform in `shift` is added (nothing, unless given).
   */
  readonly intensity?:
    | (Chance & {
        readonly scaleDeviation?: number | undefined
        readonly shift?: readonly [least: number, most: number] | undefined
      })
    | undefined
}

/**
 * The authors' for LIDC-IDRI: a rotation by up to 10° and a square crop of 98 to 128 of 128 pixels, rescaled; each with
 * probability ½.
 */
export const lidcAugmentation: AugmentationOptions = {
  rotation: { degrees: 10, probability: 0.5 },
  crop: { smallest: 98 / 128, probability: 0.5 },
}

/**
 * The authors' for BraTS: elastic with alpha 20 and probability ½, right angles, flips, intensities scaled by N(1, 0.01) and
 * shifted by U(0, 0.05). Their displacement is Perlin noise, ours a B-spline of the same smoothness and size.
 */
export const bratsAugmentation: AugmentationOptions = {
  elastic: { alpha: 20, probability: 0.5 },
  rightAngles: {},
  flips: {},
  intensity: { scaleDeviation: 0.01, shift: [0, 0.05] },
}

/** What each kind of change has, with its range; where several numbers are given, each lies in it. */
const RANGES: Readonly<Record<string, Readonly<Record<string, readonly [least: number, most: number]>>>> = {
  rotation: { probability: [0, 1], degrees: [0, 180] },
  crop: { probability: [0, 1], smallest: [Number.MIN_VALUE, 1] },
  flips: { probability: [0, 1], axes: [0, 2] },
  rightAngles: { probability: [0, 1] },
  elastic: { probability: [0, 1], alpha: [0, 1000], spacing: [1, 1e6] },
  intensity: { probability: [0, 1], scaleDeviation: [0, 1000], shift: [-1e9, 1e9] },
}
const REQUIRED: readonly string[] = ['degrees', 'smallest', 'alpha']
const LISTS: readonly string[] = ['axes', 'shift']

/** Gives options back as they are. Throws {@link ValueError} for numbers out of range or missing, and for what is none of the options. */
export function augmentationOptions(options: AugmentationOptions): AugmentationOptions {
  if (!isObject(options)) throw refused('options', JSON.stringify(options), 'an object with kinds of change')
  for (const [kind, change] of Object.entries(options)) {
    const ranges = RANGES[kind]
    if (!ranges) throw unknown(kind, Object.keys(RANGES))
    if (change === undefined) continue
    if (!isObject(change)) throw refused(kind, JSON.stringify(change), 'an object with its options')
    for (const field of Object.keys(change)) {
      if (!ranges[field]) throw unknown(`${kind}.${field}`, Object.keys(ranges))
    }
    for (const [field, range] of Object.entries(ranges)) {
      const given = (change as Record<string, unknown>)[field]
      if (given === undefined && !REQUIRED.includes(field)) continue
      checkNumbers(`${kind}.${field}`, given, range, LISTS.includes(field))
    }
  }
  const { shift } = options.intensity ?? {}
  if (shift && !(shift.length === 2 && shift[0] <= shift[1])) {
    throw refused('intensity.shift', `[${shift}]`, 'a least and a greatest number')
  }
  const fractional = options.flips?.axes?.find((axis) => !Number.isInteger(axis))
  if (fractional !== undefined) throw refused('flips.axes', String(fractional), 'whole numbers')
  return options
}

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function checkNumbers(
  name: string,
  given: unknown,
  [least, most]: readonly [number, number],
  isList: boolean,
): void {
  const range = `from ${least} to ${most}`
  if (isList && !Array.isArray(given))
    throw refused(name, JSON.stringify(given), `a list of numbers ${range}`)
  for (const value of isList ? (given as readonly unknown[]) : [given]) {
    if (typeof value === 'number' && value >= least && value <= most) continue
    throw refused(name, String(value), `a number ${range}`)
  }
}

function unknown(name: string, names: readonly string[]): ValueError {
  return refused(name, 'an unknown option', `one of ${names.join(', ')}`)
}

function refused(name: string, found: string, expected: string): ValueError {
  const remedy = 'Correct it, or leave this kind of change out'
  return new ValueError(`augmentation: ${name}`, { found, expected, remedy })
}
