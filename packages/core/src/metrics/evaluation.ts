// Samples and mean predictions of a whole data set against its raters.
import type { Case, Dataset } from '../dataset'
import { voxelCount } from '../distribution/logit-distribution'
import { ShapeError } from '../errors'
import { pendingEvents } from '../event-loop'
import { UINT32_RANGE, wholeNumber } from '../whole-number'
import { dice } from './dice'
import { energyDistance } from './generalized-energy-distance'
import { matchedIou } from './hungarian-matched-iou'
import { LabelMapOverlaps } from './label-map-overlaps'
import { splitLabelMaps } from './label-maps'
import { RunningMean } from './running-mean'
import { mean, sampleQualityOf } from './sample-quality'

/** What a model says about one case. */
export interface SampledCase {
  /** Label maps laid end to end `[M, *S]`. */
  readonly samples: Uint8Array
  /** The one label map to show if only one may be shown, `[*S]`. */
  readonly prediction: Uint8Array
}

/** Draws label maps for case `index` of `dataset`. */
export type Sampler = (sampled: Case, index: number, dataset: Dataset) => Promise<SampledCase>

/** The figures of an evaluation: each a mean over cases. */
export interface EvaluationFigures {
  /** Dice of the prediction against each rater, averaged over foreground classes and raters; undefined ones left out. */
  readonly dice: number
  /** The same of all foreground classes as one (the whole tumour, for BraTS). */
  readonly foregroundDice: number
  /** As `dice`, only where the rater's mask has the class (the paper's DSC_nod). */
  readonly diceNonEmpty: number
  /** Squared generalised energy distance of samples and raters, self pairs included. */
  readonly ged: number
  /** Mean distance of two samples, self pairs included. */
  readonly diversity: number
  /** Mean distance of two raters, self pairs included. */
  readonly raterDiversity: number
  /** Mean IoU of samples and raters, matched one to one. */
  readonly hungarianMatchedIou: number
  /** Share of samples whose Dice exceeds the prediction's, each a mean over raters (the paper's figure 5). */
  readonly betterSamples: number
  /** The 95 % quantile of the samples' Dice. */
  readonly sampleDice95: number
}

/** Means over cases. A figure is NaN (null in JSON) where no case defines it, a standard error below two cases. */
export interface Evaluation extends EvaluationFigures {
  readonly cases: number
  /** Samples drawn for each case. */
  readonly samples: number
  /** Dice of each foreground class, from label 1 up: a mean over the raters and cases that define it. */
  readonly classDice: readonly number[]
  /** Standard deviation over cases / √cases. */
  readonly standardError: EvaluationFigures
}

/**
 * Evaluates a sampler on every case of a data set, one case in memory at a time.
 *
 * Where a case has a region of interest, everything outside counts as background, for raters and samples alike. Beyond
 * the sampler's label maps, memory does not grow with the voxels.
 *
 * @param options `samples` is how many the sampler draws for each case; `onProgress` hears of every finished case.
 * @throws ShapeError when the sampler gives other numbers of maps or voxels, ValueError for a label that is no class,
 * and the signal's reason when it aborts.
 */
export async function evaluate({
  dataset,
  sampler,
  samples,
  signal,
  onProgress,
}: {
  readonly dataset: Dataset
  readonly sampler: Sampler
  readonly samples: number
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}): Promise<Evaluation> {
  wholeNumber('samples', samples, {
    least: 1,
    most: UINT32_RANGE,
    remedy: 'Give the number that the sampler draws',
  })
  const means = figures(() => new RunningMean())
  const classMeans = Array.from({ length: dataset.classes - 1 }, () => new RunningMean())
  for (let index = 0; index < dataset.length; index++) {
    await pendingEvents()
    signal?.throwIfAborted()
    const current = await dataset.case(index)
    const { values, classDice } = compare(current, await sampler(current, index, dataset), dataset, samples)
    for (const name of FIGURES) means[name].add(values[name])
    for (const [klass, value] of classDice.entries()) classMeans[klass]!.add(value)
    onProgress?.(index + 1, dataset.length)
  }
  return {
    cases: dataset.length,
    ...figures((name) => means[name].mean),
    samples,
    classDice: classMeans.map((classMean) => classMean.mean),
    standardError: figures((name) => means[name].standardError),
  }
}

const FIGURES = [
  'dice',
  'foregroundDice',
  'diceNonEmpty',
  'ged',
  'diversity',
  'raterDiversity',
  'hungarianMatchedIou',
  'betterSamples',
  'sampleDice95',
] as const

function figures<T>(value: (name: keyof EvaluationFigures) => T): Record<keyof EvaluationFigures, T> {
  return Object.fromEntries(FIGURES.map((name) => [name, value(name)])) as Record<keyof EvaluationFigures, T>
}

function compare(
  { id, raters, roi }: Case,
  { samples, prediction }: SampledCase,
  { classes, spatial }: Dataset,
  count: number,
): {
  readonly values: Record<keyof EvaluationFigures, number | undefined>
  readonly classDice: readonly (number | undefined)[]
} {
  const voxels = voxelCount(spatial)
  checkLength(`samples of ${id}`, samples, count, voxels)
  checkLength(`prediction of ${id}`, prediction, 1, voxels)
  const sets = {
    prediction: [prediction],
    samples: splitLabelMaps(`samples of ${id}`, samples, voxels),
    raters: splitLabelMaps(`raters of ${id}`, raters, voxels),
  }
  const overlaps = new LabelMapOverlaps(sets, { classes, roi })
  const { gedSquared, diversity, raterDiversity } = energyDistance(overlaps)
  const { predictionDice, betterSamples, sampleDice95 } = sampleQualityOf(overlaps)
  const predicted = overlaps.indices.prediction[0]!
  const nonEmpty = overlaps.indices.raters.flatMap((rater) =>
    overlaps
      .dice(predicted, rater)
      .filter((value, klass) => value !== undefined && overlaps.shared(klass, rater, rater) > 0),
  )
  const ofClass = (klass: number): number | undefined =>
    definedMean(overlaps.indices.raters.map((rater) => overlaps.dice(predicted, rater)[klass]))
  return {
    values: {
      dice: predictionDice,
      foregroundDice: classes === 2 ? predictionDice : foregroundDice(prediction, sets.raters, roi),
      diceNonEmpty: mean(nonEmpty as number[]),
      ged: gedSquared,
      diversity,
      raterDiversity,
      hungarianMatchedIou: matchedIou(overlaps),
      betterSamples,
      sampleDice95,
    },
    classDice: Array.from({ length: classes - 1 }, (_, klass) => ofClass(klass)),
  }
}

function foregroundDice(
  prediction: Uint8Array,
  raters: readonly Uint8Array[],
  roi: Uint8Array | undefined,
): number | undefined {
  const merged = prediction.map(isForeground)
  return definedMean(raters.map((rater) => dice(merged, rater.map(isForeground), { classes: 2, roi })[0]))
}

function isForeground(label: number): number {
  return Number(label > 0)
}

function definedMean(values: readonly (number | undefined)[]): number | undefined {
  return mean(values.filter((value) => value !== undefined))
}

function checkLength(subject: string, labels: Uint8Array, maps: number, voxels: number): void {
  if (labels.length !== maps * voxels) {
    throw new ShapeError(subject, {
      found: `${labels.length} values`,
      expected: `${maps} label maps of ${voxels} voxels`,
      remedy: 'The sampler must draw as many samples as are evaluated, in the size of the data set',
    })
  }
}
