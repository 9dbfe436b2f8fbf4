// Intersection over union, and the distance made of it.
import { pairOverlaps } from './label-map-overlaps'
import type { LabelMapSizes } from './label-maps'

/**
 * Intersection over union of two label maps: |a ∩ b| / |a ∪ b|, in [0, 1].
 *
 * @param options `classes` counts the background, which gets no value; outside `roi` both are background.
 * @returns one for each foreground class, 1 … classes − 1; undefined where both maps lack the class.
 * @throws ShapeError when the maps differ in size, ValueError for `classes` below 2 or a label that is no class.
 */
export function iou(
  a: Uint8Array,
  b: Uint8Array,
  options: Pick<LabelMapSizes, 'classes' | 'roi'>,
): (number | undefined)[] {
  return pairOverlaps(a, b, options).iou(0, 1)
}

/**
 * The distance under the generalised energy distance: 1 − mean foreground IoU, in [0, 1].
 *
 * A class that both maps lack counts as IoU 1, so two empty maps have distance 0.
 *
 * @throws as {@link iou}.
 */
export function iouDistance(
  a: Uint8Array,
  b: Uint8Array,
  options: Pick<LabelMapSizes, 'classes' | 'roi'>,
): number {
  return pairOverlaps(a, b, options).iouDistance(0, 1)
}
