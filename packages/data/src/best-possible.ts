// What a model that knew the truth would score on generated data.
import { iouDistance } from '@stochseg/core'
import type { AmbiguousDataset } from './ambiguous-shapes'

/** Expected values, averaged over the cases of a data set; 1 − IoU is the distance. */
export interface BestPossible {
  /** Samples of each case. */
  readonly samples: number
  /** Generalised energy distance (squared, self pairs included) of that many samples. */
  readonly ged: number
  /** The same in the limit of many samples. */
  readonly gedLimit: number
  /** Mean distance between samples, self pairs included. */
  readonly diversity: number
  /** Mean distance between the raters that were drawn, self pairs included. */
  readonly raterDiversity: number
}

/**
 * The expected scores, against the raters of `dataset`, of `samples` independent draws from the true distribution.
 *
 * In closed form: with D the expected distance between two draws, E GED² = 2 E d(draw, rater) − (1 − 1/N) D − rater
 * diversity. No sampler does better on average in the limit; with few samples a less diverse one may, by a little.
 */
export async function bestPossible(
  dataset: AmbiguousDataset,
  { samples }: { readonly samples: number },
): Promise<BestPossible> {
  const { classes, spatial, length } = dataset
  const voxels = spatial.reduce((product, size) => product * size, 1)
  let cross = 0
  let apart = 0
  let raterDiversity = 0
  for (let index = 0; index < length; index++) {
    const { raters } = await dataset.case(index)
    const count = raters.length / voxels
    const drawn = Array.from({ length: count }, (_, rater) => ({
      labelMap: raters.subarray(rater * voxels, (rater + 1) * voxels),
      probability: 1 / count,
    }))
    const modes = dataset.modes(index)
    cross += expectedDistance(modes, drawn, classes)
    apart += expectedDistance(modes, modes, classes)
    raterDiversity += expectedDistance(drawn, drawn, classes)
  }
  const diversity = (1 - 1 / samples) * apart
  return {
    samples,
    ged: (2 * cross - diversity - raterDiversity) / length,
    gedLimit: (2 * cross - apart - raterDiversity) / length,
    diversity: diversity / length,
    raterDiversity: raterDiversity / length,
  }
}

type Weighted = readonly { readonly labelMap: Uint8Array; readonly probability: number }[]

function expectedDistance(first: Weighted, second: Weighted, classes: number): number {
  let sum = 0
  for (const a of first) {
    for (const b of second) {
      sum += a.probability * b.probability * iouDistance(a.labelMap, b.labelMap, { classes })
    }
  }
  return sum
}
