// How far the distribution of samples lies from that of the raters.
import { bitPlanes } from './bit-planes'
import type { LabelMapSizes } from './label-maps'
import { type DistanceMatrix, pairwiseIouDistance } from './pairwise-iou'

/** The generalised energy distance and its three terms. */
export interface GeneralizedEnergyDistance {
  /** 2 · cross − diversity − raterDiversity, in [0, 2]. */
  readonly gedSquared: number
  /** Mean distance between a sample and a rater. */
  readonly cross: number
  /** Mean distance between two samples. */
  readonly diversity: number
  /** Mean distance between two raters. */
  readonly raterDiversity: number
}

/**
 * Squared generalised energy distance between samples and raters (eq. 8), with d = 1 − mean foreground IoU.
 *
 * A class that both maps of a pair lack counts as IoU 1. Self pairs are included (zeros on the diagonal), so that with
 * N samples it exceeds its limit by about diversity / N: quote N.
 *
 * @param samples label maps laid end to end, `[M, *S]`.
 * @param raters likewise, `[K, *S]`.
 * @param sizes `classes` counts the background (2 for binary masks); `voxels` is the size of one map.
 * @throws ShapeError for a length that is no positive multiple of `voxels`, ValueError for a label that is no class.
 */
export function generalizedEnergyDistance(
  samples: Uint8Array,
  raters: Uint8Array,
  sizes: LabelMapSizes,
): GeneralizedEnergyDistance {
  const samplePlanes = bitPlanes('samples', samples, sizes)
  const raterPlanes = bitPlanes('raters', raters, sizes)
  const cross = mean(pairwiseIouDistance(samplePlanes, raterPlanes))
  const diversity = mean(pairwiseIouDistance(samplePlanes, samplePlanes))
  const raterDiversity = mean(pairwiseIouDistance(raterPlanes, raterPlanes))
  return { gedSquared: 2 * cross - diversity - raterDiversity, cross, diversity, raterDiversity }
}

/**
 * Mean distance between two samples, in [0, 1]: 1 − mean foreground IoU over all ordered pairs, self pairs included.
 *
 * @param samples label maps laid end to end, `[M, *S]`.
 * @throws as {@link generalizedEnergyDistance}.
 */
export function sampleDiversity(samples: Uint8Array, sizes: LabelMapSizes): number {
  const planes = bitPlanes('samples', samples, sizes)
  return mean(pairwiseIouDistance(planes, planes))
}

function mean({ values }: DistanceMatrix): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
