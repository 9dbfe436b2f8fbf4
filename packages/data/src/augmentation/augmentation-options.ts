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

/** Throws {@link ValueError} for numbers out of range, naming the option. */
export function checkAugmentation(options: AugmentationOptions): void {
  for (const [kind, change] of Object.entries(options) as [string, Chance | undefined][]) {
    check(`${kind}.probability`, change?.probability, 0, 1)
  }
  const { rotation, crop, flips, elastic, intensity } = options
  check('rotation.degrees', rotation?.degrees, 0, 180)
  check('crop.smallest', crop?.smallest, Number.MIN_VALUE, 1)
  for (const axis of flips?.axes ?? []) check('flips.axes', axis, 0, 2, Number.isInteger)
  check('elastic.alpha', elastic?.alpha, 0, 1000)
  check('elastic.spacing', elastic?.spacing, 1, 1e6)
  check('intensity.scaleDeviation', intensity?.scaleDeviation, 0, 1000)
  const [least, most] = intensity?.shift ?? [0, 0]
  check('intensity.shift', least, -Number.MAX_VALUE, most)
  check('intensity.shift', most, least, Number.MAX_VALUE)
}

function check(
  name: string,
  value: number | undefined,
  least: number,
  most: number,
  allowed: (value: number) => boolean = () => true,
): void {
  if (value === undefined || (value >= least && value <= most && allowed(value))) return
  throw new ValueError(`augmentation: ${name}`, {
    found: String(value),
    expected: `a number from ${least} to ${most}`,
    remedy: 'Correct it, or leave this kind of change out',
  })
}
