// Samplers to evaluate: a model's distribution, and the baseline that does not look at the image.
import type { Dataset } from '../dataset'
import type { Float16Distribution } from '../distribution/float16'
import { type LogitDistribution, voxelCount } from '../distribution/logit-distribution'
import { DataError, ShapeError } from '../errors'
import { randomInteger, shuffledIndices } from '../noise/random-integers'
import { meanLabelMap } from '../sampling/mean-label-map'
import { sampleLabelMaps } from '../sampling/sample-label-maps'
import type { Sampler } from './evaluation'

/**
 * Samples a model's distribution; its prediction is the argmax of the mean.
 *
 * Case i has noise stream i, so its samples depend on nothing but (seed, i).
 *
 * @param options `predict` gives the distribution for images `[batch, channels, *spatial]`; it may make use of the case's
 * region of interest.
 */
export function distributionSampler({
  predict,
  samples,
  seed,
}: {
  readonly predict: (
    images: Float32Array,
    batch: number,
    spatial: readonly number[],
    roi?: Uint8Array,
  ) => Promise<LogitDistribution | Float16Distribution>
  readonly samples: number
  readonly seed: number
}): Sampler {
  return async ({ image, roi }, index, { spatial }) => {
    const distribution = await predict(image, 1, spatial, roi)
    return {
      samples: sampleLabelMaps(distribution, { samples, seed, stream: index, ...(roi && { roi }) }),
      prediction: meanLabelMap(distribution),
    }
  }
}

/** Training cases whose masks the image-blind sampler holds at most. */
const POOL_CASES = 512

/**
 * The baseline that never looks at the image: random raters' masks of random training cases. Its prediction is the
 * most frequent label of each voxel.
 *
 * @param options masks come from at most 512 training cases, chosen by `seed`; a case's samples depend on (seed, index).
 */
export function imageBlindSampler({
  training,
  samples,
  seed,
}: {
  readonly training: Dataset
  readonly samples: number
  readonly seed: number
}): Sampler {
  let pool: Promise<Pool> | undefined
  return async (_, index, { spatial }) => {
    pool ??= readPool(training, seed)
    const { masks, prediction } = await pool
    const voxels = voxelCount(spatial)
    if (prediction.length !== voxels) {
      throw new ShapeError('image-blind sampler', {
        found: `training masks of ${prediction.length} voxels`,
        expected: `${voxels} voxels, as in the evaluated data set`,
        remedy: 'Evaluate on images of the size that was trained on',
      })
    }
    const drawn = new Uint8Array(samples * voxels)
    for (let sample = 0; sample < samples; sample++) {
      const at = { seed, stream: index, index: 2 * sample }
      const raters = masks[randomInteger(at, masks.length)]!
      const rater = randomInteger({ ...at, index: 2 * sample + 1 }, raters.length / voxels)
      drawn.set(raters.subarray(rater * voxels, (rater + 1) * voxels), sample * voxels)
    }
    return { samples: drawn, prediction }
  }
}

interface Pool {
  /** A case's masks each, `[raters, *S]`. */
  readonly masks: readonly Uint8Array[]
  readonly prediction: Uint8Array
}

async function readPool(training: Dataset, seed: number): Promise<Pool> {
  if (training.length === 0) {
    throw new DataError('image-blind sampler', {
      found: `no case in ${training.name}`,
      expected: 'training masks to draw from',
      remedy: 'Give the training split',
    })
  }
  const masks: Uint8Array[] = []
  for (const index of shuffledIndices(training.length, { seed }).subarray(0, POOL_CASES)) {
    const { raters, roi } = await training.case(index)
    masks.push(withinRoi(raters, roi))
  }
  return { masks, prediction: mostFrequentLabels(masks, voxelCount(training.spatial), training.classes) }
}

/** Label maps `[maps, *S]` with everything outside the region of interest `[*S]` made background. */
function withinRoi(labelMaps: Uint8Array, roi: Uint8Array | undefined): Uint8Array {
  if (roi === undefined) return labelMaps
  return labelMaps.map((label, index) => (roi[index % roi.length] === 0 ? 0 : label))
}

function mostFrequentLabels(masks: readonly Uint8Array[], voxels: number, classes: number): Uint8Array {
  const counts = new Uint32Array(classes * voxels)
  for (const raters of masks) {
    raters.forEach((label, index) => {
      counts[label * voxels + (index % voxels)]!++
    })
  }
  return Uint8Array.from({ length: voxels }, (_, voxel) => {
    let best = 0
    for (let label = 1; label < classes; label++) {
      if (counts[label * voxels + voxel]! > counts[best * voxels + voxel]!) best = label
    }
    return best
  })
}
