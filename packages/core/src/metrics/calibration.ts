// How well predicted probabilities match the frequencies with which raters chose the labels.
import { ShapeError, ValueError } from '../errors'
import { wholeNumber } from '../whole-number'
import { checkBytes, checkClasses, checkLabels, checkMetricRoi, splitLabelMaps } from './label-maps'

/** Predictions of similar probability: a point of a reliability diagram. */
export interface CalibrationBin {
  /** Pairs of a voxel and a rater. */
  readonly count: number
  /** Mean predicted probability; NaN in an empty bin. */
  readonly confidence: number
  /** Share of pairs in which the rater chose the label; NaN in an empty bin. */
  readonly frequency: number
}

/** Softmax in float32, or an average of many, may miss 1 by this much. */
const TOLERANCE = 1e-3

/**
 * Calibration over any number of cases, in constant memory. Bins are of equal width, `[b / bins, (b + 1) / bins)`, the last
 * one closed; every pair of a voxel and a rater counts once.
 */
export class Calibration {
  readonly #classes: number
  readonly #topLabel: BinSums
  readonly #byClass: readonly BinSums[]

  /**
   * @param options `classes` counts the background: 2 for binary masks, also where one logit made the probabilities; `bins`
   * is 15 unless given.
   * @throws ValueError for a number out of range.
   */
  constructor({ classes, bins = 15 }: { readonly classes: number; readonly bins?: number }) {
    checkClasses(classes)
    this.#classes = classes
    wholeNumber('bins', bins, { least: 1, most: 65536, remedy: 'Common are 10 and 15' })
    this.#topLabel = new BinSums(bins)
    this.#byClass = Array.from({ length: classes }, () => new BinSums(bins))
  }

  /**
   * Takes one case.
   *
   * @param probabilities `[classes, *S]`, as `marginalProbabilities` gives them for one image.
   * @param raters label maps laid end to end, `[K, *S]`.
   * @param options `roi` `[*S]`: where it is 0, voxels are left out.
   * @throws ShapeError for arrays that do not fit each other, ValueError for probabilities that are negative, NaN or do not
   * sum to 1, and for a label that is no class. The case is then left out as a whole.
   */
  add(
    probabilities: Float32Array,
    raters: Uint8Array,
    { roi }: { readonly roi?: Uint8Array | undefined } = {},
  ): void {
    const classes = this.#classes
    const voxels = this.#check(probabilities, raters, roi)
    const count = raters.length / voxels
    const chosen = new Uint32Array(classes)
    for (let voxel = 0; voxel < voxels; voxel++) {
      if (roi?.[voxel] === 0) continue
      chosen.fill(0)
      for (let index = voxel; index < raters.length; index += voxels) chosen[raters[index]!]!++
      let top = 0
      for (let label = 0; label < classes; label++) {
        const probability = probabilities[label * voxels + voxel]!
        this.#byClass[label]!.add(probability, chosen[label]!, count)
        if (probability > probabilities[top * voxels + voxel]!) top = label
      }
      this.#topLabel.add(probabilities[top * voxels + voxel]!, chosen[top]!, count)
    }
  }

  /**
   * Expected calibration error of the most probable label, in [0, 1]: Σ_b (n_b / n) |frequency_b − confidence_b| (Guo et al.,
   * On calibration of modern neural networks, ICML 2017, eq. 3). NaN before any voxel was taken.
   */
  get expectedError(): number {
    return this.#topLabel.error
  }

  /**
   * The same for the probability of each label, whether or not it is the most probable, `[classes]`. For binary masks, label
   * 1's is what is often called the binary expected calibration error.
   */
  get classErrors(): Float64Array {
    return Float64Array.from(this.#byClass, ({ error }) => error)
  }

  /** Classwise expected calibration error: the mean of {@link classErrors} (Kull et al., Beyond temperature scaling, NeurIPS 2019). */
  get classwiseError(): number {
    return this.classErrors.reduce((sum, error) => sum + error, 0) / this.#classes
  }

  /** The bins of the most probable label or, with `label`, those of that label's probability. */
  bins(label?: number): CalibrationBin[] {
    if (label === undefined) return this.#topLabel.bins()
    wholeNumber('label', label, { most: this.#classes - 1, remedy: 'Labels count from 0, the background' })
    return this.#byClass[label]!.bins()
  }

  #check(probabilities: Float32Array, raters: Uint8Array, roi: Uint8Array | undefined): number {
    const classes = this.#classes
    const isArray = probabilities instanceof Float32Array
    const voxels = isArray ? probabilities.length / classes : 0
    if (voxels === 0 || !Number.isInteger(voxels)) {
      throw new ShapeError('probabilities', {
        found: isArray ? `${probabilities.length} values` : Object.prototype.toString.call(probabilities),
        expected: `a Float32Array of ${classes} classes times the voxels`,
        remedy: 'Give the marginal probabilities of one image',
      })
    }
    checkBytes('raters', raters)
    checkMetricRoi(roi, voxels)
    checkLabels('raters', splitLabelMaps('raters', raters, voxels), { classes, roi })
    for (let voxel = 0; voxel < voxels; voxel++) {
      if (roi?.[voxel] === 0) continue
      let sum = 0
      let least = 0
      for (let index = voxel; index < probabilities.length; index += voxels) {
        sum += probabilities[index]!
        least = Math.min(least, probabilities[index]!)
      }
      if (least >= -TOLERANCE && Math.abs(sum - 1) <= TOLERANCE) continue
      throw new ValueError('probabilities', {
        found: `${least < 0 ? `${least}` : `a sum of ${sum}`} at voxel ${voxel}`,
        expected: 'numbers from 0 up that sum to 1 over the classes',
        remedy: 'Give probabilities, not logits',
      })
    }
    return voxels
  }
}

/** Sums of the predictions in each bin. */
class BinSums {
  readonly #counts: Float64Array
  readonly #confidences: Float64Array
  readonly #hits: Float64Array

  constructor(bins: number) {
    this.#counts = new Float64Array(bins)
    this.#confidences = new Float64Array(bins)
    this.#hits = new Float64Array(bins)
  }

  add(probability: number, hits: number, count: number): void {
    const bins = this.#counts.length
    const bin = Math.max(0, Math.min(bins - 1, Math.floor(probability * bins)))
    this.#counts[bin]! += count
    this.#confidences[bin]! += probability * count
    this.#hits[bin]! += hits
  }

  /** Σ |hits − confidences| / n: the bins' weights and means cancel. */
  get error(): number {
    let [total, apart] = [0, 0]
    this.#counts.forEach((count, bin) => {
      total += count
      apart += Math.abs(this.#hits[bin]! - this.#confidences[bin]!)
    })
    return apart / total
  }

  bins(): CalibrationBin[] {
    return Array.from(this.#counts, (count, bin) => ({
      count,
      confidence: this.#confidences[bin]! / count,
      frequency: this.#hits[bin]! / count,
    }))
  }
}
