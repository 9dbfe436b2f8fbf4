// How far the distribution of samples lies from that of the raters.
import { ValueError } from '../errors'
import { type DistanceMatrix, LabelMapOverlaps, setOverlaps } from './label-map-overlaps'
import { type LabelMapSizes, splitLabelMaps } from './label-maps'

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
 * @param sizes `classes` counts the background (2 for binary masks); `voxels` is the size of one map; outside `roi` all
 * maps are background.
 * @throws ShapeError for a length that is no positive multiple of `voxels`, ValueError for a label that is no class.
 */
export function generalizedEnergyDistance(
  samples: Uint8Array,
  raters: Uint8Array,
  sizes: LabelMapSizes,
): GeneralizedEnergyDistance {
  return energyDistance(setOverlaps(samples, raters, sizes), mean)
}

/**
 * {@link generalizedEnergyDistance} without self pairs: its expectation does not depend on the number of samples or
 * raters, and it may fall below 0.
 *
 * A single rater is taken for the whole truth: the distance of two raters is then 0.
 *
 * @throws as {@link generalizedEnergyDistance}, and ValueError for a single sample, which says nothing of their diversity.
 */
export function unbiasedGeneralizedEnergyDistance(
  samples: Uint8Array,
  raters: Uint8Array,
  sizes: LabelMapSizes,
): GeneralizedEnergyDistance {
  const overlaps = setOverlaps(samples, raters, sizes)
  if (overlaps.indices.samples.length === 1) {
    throw new ValueError('samples', {
      found: 'one label map',
      expected: 'two or more, as pairs of two samples are compared',
      remedy: 'Draw more samples, or use generalizedEnergyDistance',
    })
  }
  return energyDistance(overlaps, meanOfOthers)
}

/**
 * Mean distance between two samples, in [0, 1]: 1 − mean foreground IoU over all ordered pairs, self pairs included.
 *
 * @param samples label maps laid end to end, `[M, *S]`.
 * @throws as {@link generalizedEnergyDistance}.
 */
export function sampleDiversity(samples: Uint8Array, sizes: LabelMapSizes): number {
  const maps = splitLabelMaps('samples', samples, sizes.voxels)
  return mean(new LabelMapOverlaps({ samples: maps }, sizes).iouDistances('samples', 'samples'))
}

/** The energy distance of two sets of overlaps; `within` is the mean over the pairs of a set. */
export function energyDistance(
  overlaps: LabelMapOverlaps<'samples' | 'raters'>,
  within: (distances: DistanceMatrix) => number = mean,
): GeneralizedEnergyDistance {
  const cross = mean(overlaps.iouDistances('samples', 'raters'))
  const diversity = within(overlaps.iouDistances('samples', 'samples'))
  const raterDiversity = within(overlaps.iouDistances('raters', 'raters'))
  return { gedSquared: 2 * cross - diversity - raterDiversity, cross, diversity, raterDiversity }
}

function mean({ values }: DistanceMatrix): number {
  return sum(values) / values.length
}

/** The mean off the diagonal, which is zero. */
function meanOfOthers({ rows, values }: DistanceMatrix): number {
  return rows === 1 ? 0 : sum(values) / (rows * (rows - 1))
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}
