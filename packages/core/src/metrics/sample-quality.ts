// How good single samples are, beside the one map that a model would show (the paper's figure 5).
import { ShapeError } from '../errors'
import { LabelMapOverlaps } from './label-map-overlaps'
import { type LabelMapSizes, splitLabelMaps } from './label-maps'
import { quantile } from './quantile'

/** Dice of one case's samples and prediction. Each map's is the mean over foreground classes and raters. */
export interface SampleQuality {
  /** Of the prediction; undefined where every class is missing from it and all raters. */
  readonly predictionDice: number | undefined
  /** Of the samples, ascending; undefined ones are left out. */
  readonly sampleDice: Float64Array
  /** Share of {@link sampleDice} above the prediction's, in [0, 1]; undefined where either is. */
  readonly betterSamples: number | undefined
  /** The 95 % quantile of {@link sampleDice}; undefined where there is none. */
  readonly sampleDice95: number | undefined
}

/**
 * The distribution of the samples' Dice, and the prediction's.
 *
 * @param maps `prediction` `[*S]`, `samples` `[M, *S]` and `raters` `[K, *S]`, laid end to end.
 * @throws ShapeError for a length that is no positive multiple of `voxels`, ValueError for a label that is no class.
 */
export function sampleQuality(
  {
    prediction,
    samples,
    raters,
  }: { readonly prediction: Uint8Array; readonly samples: Uint8Array; readonly raters: Uint8Array },
  sizes: LabelMapSizes,
): SampleQuality {
  const { voxels } = sizes
  const predictions = splitLabelMaps('prediction', prediction, voxels)
  if (predictions.length > 1) {
    throw new ShapeError('prediction', {
      found: `${predictions.length} label maps`,
      expected: 'one',
      remedy: 'Give the argmax of the mean',
    })
  }
  const sets = {
    prediction: predictions,
    samples: splitLabelMaps('samples', samples, voxels),
    raters: splitLabelMaps('raters', raters, voxels),
  }
  return sampleQualityOf(new LabelMapOverlaps(sets, sizes))
}

/** {@link sampleQuality} of overlaps that were counted. */
export function sampleQualityOf(
  overlaps: LabelMapOverlaps<'prediction' | 'samples' | 'raters'>,
): SampleQuality {
  const { prediction, samples, raters } = overlaps.indices
  const diceOf = (map: number): number | undefined =>
    mean(raters.flatMap((rater) => overlaps.dice(map, rater)).filter((value) => value !== undefined))
  const predictionDice = diceOf(prediction[0]!)
  const defined = samples.map(diceOf).filter((value) => value !== undefined)
  const sampleDice = Float64Array.from(defined).sort()
  const comparable = predictionDice !== undefined && sampleDice.length > 0
  return {
    predictionDice,
    sampleDice,
    betterSamples: comparable
      ? sampleDice.filter((value) => value > predictionDice).length / sampleDice.length
      : undefined,
    sampleDice95: sampleDice.length > 0 ? quantile(sampleDice, 0.95) : undefined,
  }
}

/** undefined for no value. */
export function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value) / values.length
}
