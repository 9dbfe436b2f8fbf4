// The Dice similarity coefficient.
import { pairOverlaps } from './label-map-overlaps'
import type { LabelMapSizes } from './label-maps'

/**
 * Dice coefficient of two label maps: 2|a ∩ b| / (|a| + |b|), in [0, 1].
 *
 * @param options `classes` counts the background, which gets no coefficient; outside `roi` both are background.
 * @returns one for each foreground class, 1 … classes − 1; undefined where both maps lack the class. Such classes are
 * to be excluded from averages.
 * @throws ShapeError when the maps differ in size, ValueError for `classes` below 2 or a label that is no class.
 */
export function dice(
  a: Uint8Array,
  b: Uint8Array,
  options: Pick<LabelMapSizes, 'classes' | 'roi'>,
): (number | undefined)[] {
  return pairOverlaps(a, b, options).dice(0, 1)
}
