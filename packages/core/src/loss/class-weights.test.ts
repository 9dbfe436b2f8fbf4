import { describe, expect, it } from 'vitest'
import { expectClose } from '../../../../scripts/expect-close'
import { float64Array, float64Arrays } from '../distribution/float64-arrays'
import { monteCarloLoss } from '../distribution/formulas'
import { labelTargets } from '../distribution/label-targets'
import { randomDistribution, referenceLogits } from '../distribution/random-distribution'
import { ValueError } from '../errors'
import { randomInteger } from '../noise/random-integers'
import { monteCarloNll, monteCarloNllAsync } from './monte-carlo-nll'

const sizes = { batch: 2, classes: 3, rank: 2, spatial: [4, 5], seed: 3, samples: 6, first: 0, stream: 0 }
const distribution = randomDistribution(sizes)
const voxels = 20
const labels = Uint8Array.from({ length: 2 * voxels }, (_, index) => randomInteger({ seed: 9, index }, 3))
const roi = Uint8Array.from(labels, (_, index) => index % 4)
const outside = labels.map((label, index) => (index % 8 === 0 ? 200 : label))
const classWeights = [0.1, 3, 0]
const options = { samples: 6, seed: 3, roi, gradients: true }

describe('class weights', () => {
  it('multiply the log-probabilities of the float64 reference', () => {
    const targets = labelTargets(labels, { batch: 2, classes: 3, voxels }, roi).map(
      (target, index) => target * classWeights[Math.floor(index / voxels) % 3]!,
    )
    const expected = monteCarloLoss(
      float64Arrays,
      referenceLogits(distribution, sizes),
      { targets: float64Array(targets, [2, 3, voxels]) },
      sizes,
    )
    expectClose(
      monteCarloNll(distribution, outside, { ...options, classWeights }).perItem,
      expected.data,
      1e-5,
    )
  })

  it('have the gradients of finite differences', () => {
    const { gradients } = monteCarloNll(distribution, outside, { ...options, classWeights })
    for (const name of ['mean', 'factor', 'diagonal'] as const) {
      const direction = distribution[name].map((value, index) => {
        const sign = 2 * randomInteger({ seed: 1, index }, 2) - 1
        return name === 'diagonal' ? sign * value : sign
      })
      const along = (step: number): number => {
        const moved = distribution[name].map((value, index) => value + step * direction[index]!)
        return monteCarloNll({ ...distribution, [name]: moved }, outside, { ...options, classWeights }).loss
      }
      const slope = gradients![name].reduce((sum, g, index) => sum + g * direction[index]!, 0)
      expect(slope).toBeCloseTo((along(2e-3) - along(-2e-3)) / 4e-3, 2)
    }
  })

  it('of 1 change nothing, also on all cores', async () => {
    const plain = monteCarloNll(distribution, outside, options)
    const ones = { ...options, classWeights: [1, 1, 1] }
    const weighted = monteCarloNll(distribution, outside, ones)
    expectClose(weighted.perItem, plain.perItem, 1e-6)
    expectClose(weighted.gradients!.mean, plain.gradients!.mean, 1e-6)
    expect(await monteCarloNllAsync(distribution, outside, ones)).toEqual(weighted)
  })

  it.each([[[1, 1]], [[1, 1, -1]], [[1, 1, Number.NaN]], [[1, 1, 1, 1]]])('refuses %j', (wrong) => {
    expect(() => monteCarloNll(distribution, outside, { ...options, classWeights: wrong })).toThrow(
      ValueError,
    )
  })
})
