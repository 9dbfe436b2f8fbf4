// Every metric against numbers that numpy, scipy and others computed.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readNpy } from '../../../../scripts/read-npy'
import { referenceData } from '../../../../scripts/reference-data'
import { dice } from './dice'
import { generalizedEnergyDistance, sampleDiversity } from './generalized-energy-distance'
import { hungarianMatchedIou } from './hungarian-matched-iou'
import { iou } from './iou'

describe('golden metrics', () => {
  for (const name of ['ged-binary', 'ged-binary-empties', 'ged-4class-3d']) {
    const folder = referenceData(join('golden-math', name))
    it.skipIf(!folder)(`equal numpy and scipy on ${name}${folder ? '' : ' (reference data missing)'}`, () => {
      const golden = JSON.parse(readFileSync(join(folder!, 'case.json'), 'utf8'))
      const { data: samples } = readNpy(join(folder!, 'pred.npy')) as { data: Uint8Array }
      const raters = readNpy(join(folder!, 'gt.npy')) as { shape: readonly number[]; data: Uint8Array }
      const voxels = raters.data.length / raters.shape[0]!
      const { classes } = golden

      const distance = generalizedEnergyDistance(samples, raters.data, { classes, voxels })
      expect(distance.gedSquared).toBeCloseTo(golden.ged_squared_with_self_pairs, 12)
      expect(distance.cross).toBeCloseTo(golden.cross, 12)
      expect(distance.diversity).toBeCloseTo(golden.diversity_pred_with_self_pairs, 12)
      expect(distance.raterDiversity).toBeCloseTo(golden.diversity_gt_with_self_pairs, 12)
      expect(sampleDiversity(samples, { classes, voxels })).toBe(distance.diversity)

      const matched = hungarianMatchedIou(samples, raters.data, { classes, voxels })
      expect(matched).toBeCloseTo(golden.hungarian_matched_iou_lcm, 12)

      golden.dsc_first_pred_vs_each_gt_per_foreground_class.forEach(
        (expected: (number | null)[], rater: number) => {
          const map = raters.data.subarray(rater * voxels, (rater + 1) * voxels)
          const found = dice(samples.subarray(0, voxels), map, { classes })
          expect(found).toHaveLength(expected.length)
          found.forEach((value, index) => {
            const wanted = expected[index]!
            if (wanted === null) expect(value).toBeUndefined()
            else expect(value).toBeCloseTo(wanted, 12)
          })
        },
      )
    })
  }

  const example = referenceData('golden-ssn/example03')
  it.skipIf(!example)(
    `equal the authors' Dice and IoU on a trained SSN${example ? '' : ' (reference data missing)'}`,
    () => {
      const mean = readNpy(join(example!, 'mean.npy')).data
      const voxels = mean.length / 2
      const prediction = Uint8Array.from({ length: voxels }, (_, v) => (mean[voxels + v]! > mean[v]! ? 1 : 0))
      const rater = Uint8Array.from(readNpy(join(example!, 'labels.npy')).data).subarray(
        2 * voxels,
        3 * voxels,
      )
      // Theirs average over the background too: the foreground of the maps turned over.
      const turned = (labels: Uint8Array): Uint8Array => labels.map((label) => 1 - label)
      const withBackground = (metric: typeof dice): number =>
        (metric(prediction, rater, { classes: 2 })[0]! +
          metric(turned(prediction), turned(rater), { classes: 2 })[0]!) /
        2
      expect(withBackground(dice)).toBeCloseTo(0.7190585443309292, 12)
      expect(withBackground(iou)).toBeCloseTo(0.6365695707800971, 12)
    },
  )
})
