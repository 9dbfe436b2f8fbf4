import { describe, expect, it } from 'vitest'
import type { Case, Dataset } from '../dataset'
import { logitDistribution } from '../distribution/logit-distribution'
import { DataError, ShapeError } from '../errors'
import { meanLabelMap } from '../sampling/mean-label-map'
import { sampleLabelMaps } from '../sampling/sample-label-maps'
import { evaluate } from './evaluation'
import { distributionSampler, imageBlindSampler } from './samplers'

const VOXELS = 6

/** Every case's image is its index; masks by `raters(index)`. */
function datasetOf(length: number, raters: (index: number) => Uint8Array, roi?: Uint8Array): Dataset {
  return {
    name: 'cases',
    channels: 1,
    classes: 3,
    spatial: [2, 3],
    length,
    case: async (index): Promise<Case> => ({
      id: `case ${index}`,
      image: new Float32Array(VOXELS).fill(index),
      raters: raters(index),
      ...(roi && { roi }),
    }),
  }
}

describe('distributionSampler', () => {
  const roi = Uint8Array.of(1, 1, 1, 1, 1, 0)
  const dataset = datasetOf(3, () => new Uint8Array(VOXELS), roi)
  const distributionOf = (images: Float32Array): ReturnType<typeof logitDistribution> =>
    logitDistribution({
      batch: 1,
      classes: 3,
      rank: 1,
      spatial: [2, 3],
      mean: new Float32Array(3 * VOXELS).map((_, index) => (index % 4) + images[0]!),
      factor: new Float32Array(3 * VOXELS).map((_, index) => index % 5),
      diagonal: new Float32Array(3 * VOXELS).fill(0.5),
    })
  const predict = async (
    images: Float32Array,
    batch: number,
    spatial: readonly number[],
  ): Promise<ReturnType<typeof logitDistribution>> => {
    expect([batch, ...spatial]).toEqual([1, 2, 3])
    return distributionOf(images)
  }

  it('draws case i from stream i, inside its region of interest', async () => {
    const sampler = distributionSampler({ predict, samples: 20, seed: 4 })
    const current = await dataset.case(2)
    const { samples, prediction } = await sampler(current, 2, dataset)
    const distribution = distributionOf(current.image)
    expect(samples).toEqual(sampleLabelMaps(distribution, { samples: 20, seed: 4, stream: 2, roi }))
    expect(prediction).toEqual(meanLabelMap(distribution))
    expect((await sampler(current, 1, dataset)).samples).not.toEqual(samples)
  })

  it('is what evaluate takes', async () => {
    const evaluation = await evaluate({
      dataset,
      sampler: distributionSampler({ predict, samples: 5, seed: 0 }),
      samples: 5,
    })
    expect(evaluation.cases).toBe(3)
    expect(evaluation.raterDiversity).toBe(0)
    expect(evaluation.ged).toBeGreaterThan(0)
  })
})

describe('imageBlindSampler', () => {
  // Two raters a case: all 2 (case 0, 3, …) or all 1, the second rater one voxel less.
  const trainingOf = (length: number): Dataset =>
    datasetOf(length, (index) => new Uint8Array(2 * VOXELS).fill(index % 3 === 0 ? 2 : 1).with(VOXELS, 0))
  const training = trainingOf(2)

  it('draws random masks of random training cases, whatever the image', async () => {
    const samples = 600
    const sampler = imageBlindSampler({ training, samples, seed: 1 })
    const [first, other] = [await training.case(0), await training.case(1)]
    const drawn = await sampler(first, 5, training)
    expect((await sampler(other, 5, training)).samples).toEqual(drawn.samples)
    expect((await sampler(first, 6, training)).samples).not.toEqual(drawn.samples)
    const again = imageBlindSampler({ training, samples, seed: 1 })
    expect(await again(first, 5, training)).toEqual(drawn)

    const counts = new Map<string, number>()
    for (let start = 0; start < drawn.samples.length; start += VOXELS) {
      const mask = String(drawn.samples.subarray(start, start + VOXELS))
      counts.set(mask, (counts.get(mask) ?? 0) + 1)
    }
    const expected = ['1,1,1,1,1,1', '0,1,1,1,1,1', '2,2,2,2,2,2', '0,2,2,2,2,2']
    expect([...counts.keys()].sort()).toEqual(expected.sort())
    for (const [mask, count] of counts) expect(Math.abs(count - 150), mask).toBeLessThan(60)
  })

  it('predicts the most frequent label of each voxel', async () => {
    const sampler = imageBlindSampler({ training: trainingOf(60), samples: 1, seed: 1 })
    const { prediction } = await sampler(await training.case(0), 0, training)
    // Voxel 0 is 0 in half of the masks, 1 in a third.
    expect([...prediction]).toEqual([0, 1, 1, 1, 1, 1])
  })

  it('says what is wrong with the training split', async () => {
    const sampler = imageBlindSampler({ training, samples: 1, seed: 1 })
    const larger = { ...training, spatial: [3, 3] }
    await expect(sampler(await training.case(0), 0, larger)).rejects.toThrow(ShapeError)
    const none = imageBlindSampler({ training: datasetOf(0, () => new Uint8Array()), samples: 1, seed: 1 })
    await expect(none(await training.case(0), 0, training)).rejects.toThrow(DataError)
  })
})
