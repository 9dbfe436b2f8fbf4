// Whether samples disagree with one another where they disagree with the raters.
import { ShapeError, ValueError } from '../errors'
import { checkClasses, checkLabels, checkMetricRoi, type LabelMapSizes, splitLabelMaps } from './label-maps'

/** Added to probabilities before their logarithm, as PHiSeg's authors do. */
const EPSILON = 1e-8

/**
 * Normalised cross-correlation (NCC) of the samples' uncertainty and their error, in [−1, 1] (Baumgartner et al., PHiSeg,
 * MICCAI 2019):
 *
 *   mean over raters y of NCC( E_s CE(s̄, s), E_s CE(y, s) ),   CE(t, s) = − Σ_c t_c log(s_c + 1e-8)
 *
 * with s a sample's probabilities, s̄ their mean over samples, and NCC the correlation over voxels of two maps.
 *
 * @param samples label maps laid end to end, `[M, *S]`, taken for probabilities of 0 and 1; or each sample's probabilities
 * `[classes, *S]`, as `marginalProbabilities` gives them for one image and `samples: 1`.
 * @param raters label maps laid end to end, `[K, *S]`.
 * @param sizes `classes` counts the background (2 for binary masks); voxels outside `roi` are left out.
 * @returns undefined where no rater defines it: one of both maps is the same everywhere, as where all samples are alike. Such
 * raters are left out.
 * @throws ShapeError for arrays that do not fit each other, ValueError for a label that is no class or a probability outside
 * [0, 1].
 */
export function normalizedCrossCorrelation(
  samples: Uint8Array | Iterable<Float32Array>,
  raters: Uint8Array,
  sizes: LabelMapSizes,
): number | undefined {
  const { classes, voxels, roi } = sizes
  checkClasses(classes)
  const raterMaps = splitLabelMaps('raters', raters, voxels)
  checkMetricRoi(roi, voxels)
  checkLabels('raters', raterMaps, sizes)
  const { mean, meanLog } =
    samples instanceof Uint8Array ? meansOfLabelMaps(samples, sizes) : meansOfProbabilities(samples, sizes)

  const uncertainty = new Float64Array(voxels)
  mean.forEach((probability, index) => {
    uncertainty[index % voxels]! -= probability * meanLog[index]!
  })
  let [sum, defined] = [0, 0]
  for (const map of raterMaps) {
    const correlation = correlationOf(uncertainty, (voxel) => -meanLog[map[voxel]! * voxels + voxel]!, roi)
    if (correlation === undefined) continue
    sum += correlation
    defined++
  }
  return defined === 0 ? undefined : sum / defined
}

/** Means over samples, `[classes, *S]`. */
interface SampleMeans {
  readonly mean: Float64Array
  /** Of log(probability + ε). */
  readonly meanLog: Float64Array
}

function meansOfLabelMaps(samples: Uint8Array, sizes: LabelMapSizes): SampleMeans {
  const { classes, voxels, roi } = sizes
  const maps = splitLabelMaps('samples', samples, voxels)
  checkLabels('samples', maps, sizes)
  const counts = new Float64Array(classes * voxels)
  for (const map of maps) {
    for (let voxel = 0; voxel < voxels; voxel++) {
      if (roi?.[voxel] !== 0) counts[map[voxel]! * voxels + voxel]!++
    }
  }
  const mean = counts.map((count) => count / maps.length)
  const [whole, none] = [Math.log(1 + EPSILON), Math.log(EPSILON)]
  return { mean, meanLog: mean.map((share) => share * whole + (1 - share) * none) }
}

function meansOfProbabilities(
  samples: Iterable<Float32Array>,
  { classes, voxels, roi }: LabelMapSizes,
): SampleMeans {
  const mean = new Float64Array(classes * voxels)
  const meanLog = new Float64Array(classes * voxels)
  let count = 0
  for (const probabilities of samples) {
    const isArray = probabilities instanceof Float32Array
    if (!isArray || probabilities.length !== mean.length) {
      throw new ShapeError(`sample ${count}`, {
        found: isArray ? `${probabilities.length} values` : Object.prototype.toString.call(probabilities),
        expected: `a Float32Array of ${classes} classes × ${voxels} voxels`,
        remedy: 'Give one array of probabilities a sample',
      })
    }
    for (let index = 0; index < mean.length; index++) {
      if (roi?.[index % voxels] === 0) continue
      const probability = probabilities[index]!
      if (!(probability >= 0 && probability <= 1 + 1e-6)) {
        throw new ValueError(`sample ${count}`, {
          found: `${probability} at index ${index}`,
          expected: 'probabilities from 0 to 1',
          remedy: 'Give probabilities, not logits',
        })
      }
      mean[index]! += probability
      meanLog[index]! += Math.log(probability + EPSILON)
    }
    count++
  }
  if (count === 0) {
    throw new ShapeError('samples', {
      found: 'none',
      expected: 'one or more',
      remedy: 'Draw samples first',
    })
  }
  return { mean: mean.map((sum) => sum / count), meanLog: meanLog.map((sum) => sum / count) }
}

/** Spread of a map, relative to its largest value, that may be rounding. */
const ROUNDING = 1e-9

/** Pearson's, over the voxels inside the region; undefined where a map is the same everywhere (updates as Welford's). */
function correlationOf(
  first: Float64Array,
  second: (voxel: number) => number,
  roi: Uint8Array | undefined,
): number | undefined {
  let count = 0
  let [meanFirst, meanSecond] = [0, 0]
  let [squaresFirst, squaresSecond, products] = [0, 0, 0]
  let [largestFirst, largestSecond] = [0, 0]
  for (let voxel = 0; voxel < first.length; voxel++) {
    if (roi?.[voxel] === 0) continue
    const [x, y] = [first[voxel]!, second(voxel)]
    count++
    const deviation = x - meanFirst
    meanFirst += deviation / count
    squaresFirst += deviation * (x - meanFirst)
    products += deviation * (y - meanSecond) * (1 - 1 / count)
    squaresSecond += (y - meanSecond) ** 2 * (1 - 1 / count)
    meanSecond += (y - meanSecond) / count
    largestFirst = Math.max(largestFirst, Math.abs(x))
    largestSecond = Math.max(largestSecond, Math.abs(y))
  }
  const varies = (squares: number, largest: number): boolean =>
    Math.sqrt(squares / count) > ROUNDING * largest
  if (!varies(squaresFirst, largestFirst) || !varies(squaresSecond, largestSecond)) return undefined
  return Math.max(-1, Math.min(1, products / Math.sqrt(squaresFirst * squaresSecond)))
}
