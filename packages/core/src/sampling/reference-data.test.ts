import { describe, expect, it } from 'vitest'
import { expectClose } from '../../../../scripts/expect-close'
import { GOLDEN_CASES, goldenCase } from '../../../../scripts/golden-math'
import { readNpy } from '../../../../scripts/read-npy'
import { referenceData } from '../../../../scripts/reference-data'
import { logitDistribution } from '../distribution/logit-distribution'
import { marginalEntropy } from './marginal-probabilities'
import { meanLabelMap } from './mean-label-map'
import { sampleLabelMaps } from './sample-label-maps'
import { sampleLogits } from './sample-logits'

describe('golden cases', () => {
  for (const name of GOLDEN_CASES) {
    const golden = goldenCase(name)
    it.skipIf(!golden)(`${name} equals PyTorch's${golden ? '' : ' (reference data missing)'}`, () => {
      const { batch, classes, rank, spatial, samples, epsilon } = golden!
      const f32 = (array: string) => golden!.array(array) as Float32Array
      const d = logitDistribution({
        batch,
        classes,
        rank,
        spatial,
        mean: f32('mean'),
        factor: f32('factor'),
        diagonal: f32('log_diagonal').map((x) => Math.exp(x) + epsilon),
      })
      const options = { samples, seed: 0, noise: { z: f32('z'), epsilon: f32('eps') } }
      expect(sampleLabelMaps(d, options)).toEqual(golden!.array('sample_labels'))
      const logits = golden!.array('samples_logits_f64')
      expectClose(sampleLogits(d, options), logits, 1e-5)
      expectClose(marginalEntropy(d, options), golden!.array('entropy_f64'), 2e-6)
    })
  }
})

describe('a trained network (golden-ssn example03)', () => {
  const folder = referenceData('golden-ssn/example03')
  const skip = describe.skipIf(!folder)
  const array = (name: string) => readNpy(`${folder}/${name}.npy`).data
  const example = () =>
    logitDistribution({
      batch: 1,
      classes: 2,
      rank: 10,
      spatial: [128, 128],
      mean: array('mean') as Float32Array,
      factor: array('factor') as Float32Array,
      diagonal: array('diagonal') as Float32Array,
    })

  skip(folder ? 'with its stored figures' : 'reference data missing', () => {
    it('has the Dice and IoU of its mean against the third rater', () => {
      const prediction = meanLabelMap(example())
      const rater = array('labels').subarray(2 * 128 * 128, 3 * 128 * 128)
      const overlaps = [0, 1].map((label) => overlap(prediction, rater, label))
      expect(average(overlaps.map(({ dice }) => dice))).toBeCloseTo(0.7190585443309292, 12)
      expect(average(overlaps.map(({ iou }) => iou))).toBeCloseTo(0.6365695707800971, 12)
    })

    it('has the diversity of its samples, and their distance to the raters', () => {
      const samples = 100
      const maps = split(sampleLabelMaps(example(), { samples, seed: 0 }), samples)
      const raters = split(Uint8Array.from(array('labels')), 4)
      const distance = (a: Uint8Array, b: Uint8Array) => 1 - average([0, 1].map((c) => overlap(a, b, c).iou))
      // Over all ordered pairs, a map with itself included (which adds 0).
      const diversityOf = (all: Uint8Array[]) => {
        const distances = all.flatMap((a, i) => all.slice(i + 1).map((b) => distance(a, b)))
        return (2 * distances.reduce((sum, d) => sum + d, 0)) / all.length ** 2
      }
      const diversity = diversityOf(maps)
      const cross = average(maps.flatMap((map) => raters.map((rater) => distance(map, rater))))
      const ged = 2 * cross - diversity - diversityOf(raters)
      // A float64 sampler with other random numbers gives 0.323 and 0.105 on average over 20 seeds, with the standard
      // deviations 0.013 and 0.015 over seeds; three of these are allowed. The authors' stored 0.3067 and 0.0888 fit.
      expect(Math.abs(diversity - 0.323)).toBeLessThan(3 * 0.013)
      expect(Math.abs(ged - 0.105)).toBeLessThan(3 * 0.015)
    })
  })
})

function split(maps: Uint8Array, count: number): Uint8Array[] {
  const size = maps.length / count
  return Array.from({ length: count }, (_, index) => maps.subarray(index * size, (index + 1) * size))
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function overlap(a: ArrayLike<number>, b: ArrayLike<number>, label: number): { dice: number; iou: number } {
  let both = 0
  let sum = 0
  for (let voxel = 0; voxel < a.length; voxel++) {
    const inA = a[voxel] === label
    const inB = b[voxel] === label
    if (inA && inB) both++
    sum += Number(inA) + Number(inB)
  }
  return sum === 0 ? { dice: 1, iou: 1 } : { dice: (2 * both) / sum, iou: both / (sum - both) }
}
