// How well samples and raters agree once each is paired with its best partner.
import { cheapestTransport } from './cheapest-transport'
import { type LabelMapOverlaps, setOverlaps } from './label-map-overlaps'
import type { LabelMapSizes } from './label-maps'

/**
 * Mean foreground IoU of samples and raters under the best one-to-one matching, in [0, 1].
 *
 * Both sides count as replicated to the least common multiple of their numbers, so that each has equal weight. A class
 * that both maps of a pair lack counts as IoU 1.
 *
 * @param samples label maps laid end to end, `[M, *S]`.
 * @param raters likewise, `[K, *S]`.
 * @param sizes `classes` counts the background (2 for binary masks); `voxels` is the size of one map; outside `roi` all
 * maps are background.
 * @throws ShapeError for a length that is no positive multiple of `voxels`, ValueError for a label that is no class.
 */
export function hungarianMatchedIou(samples: Uint8Array, raters: Uint8Array, sizes: LabelMapSizes): number {
  return matchedIou(setOverlaps(samples, raters, sizes))
}

/** {@link hungarianMatchedIou} of overlaps that were counted. */
export function matchedIou(overlaps: LabelMapOverlaps<'samples' | 'raters'>): number {
  const { values, rows, columns } = overlaps.iouDistances('samples', 'raters')
  return 1 - cheapestTransport(values, rows, columns)
}
