// Every metric between two sets of label maps at once.
import { energyDistance, type GeneralizedEnergyDistance } from './generalized-energy-distance'
import { matchedIou } from './hungarian-matched-iou'
import { setOverlaps } from './label-map-overlaps'
import type { LabelMapSizes } from './label-maps'

/** What {@link setMetrics} gives. */
export interface SetMetrics extends GeneralizedEnergyDistance {
  /** As `hungarianMatchedIou`. */
  readonly hungarianMatchedIou: number
}

/**
 * `generalizedEnergyDistance` and `hungarianMatchedIou` from one pass over the voxels, in memory that does not grow with
 * them.
 *
 * @param samples label maps laid end to end, `[M, *S]`.
 * @param raters likewise, `[K, *S]`.
 * @throws as `generalizedEnergyDistance`.
 */
export function setMetrics(samples: Uint8Array, raters: Uint8Array, sizes: LabelMapSizes): SetMetrics {
  const overlaps = setOverlaps(samples, raters, sizes)
  return { ...energyDistance(overlaps), hungarianMatchedIou: matchedIou(overlaps) }
}
