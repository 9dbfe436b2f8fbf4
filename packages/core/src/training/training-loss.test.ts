import { describe, expect, it } from 'vitest'
import { expectClose } from '../../../../scripts/expect-close'
import { float64Array, float64Arrays } from '../distribution/float64-arrays'
import { meanCrossEntropy } from '../distribution/formulas'
import { labelTargets } from '../distribution/label-targets'
import { randomDistribution } from '../distribution/random-distribution'
import { monteCarloNll } from '../loss/monte-carlo-nll'
import { randomInteger } from '../noise/random-integers'
import { trainingLoss } from './training-loss'

const sizes = { batch: 2, classes: 3, rank: 2, spatial: [4, 5], seed: 3 }
const distribution = randomDistribution(sizes)
const labels = Uint8Array.from({ length: 40 }, (_, index) => randomInteger({ seed: 9, index }, 3))
const options = { phase: 'all', samples: 6, seed: 3, stream: 7 } as const
const none = new Float32Array(0)

describe('trainingLoss', () => {
  it('is eq. 7 unless something is mixed with it', () => {
    const { loss, gradients } = monteCarloNll(distribution, labels, { ...options, gradients: true })
    expect(trainingLoss(distribution, labels, options)).toEqual({ loss, gradients })
  })

  it('is the cross-entropy of the mean in the first phase', () => {
    const { loss, gradients } = trainingLoss(distribution, labels, { ...options, phase: 'mean' })
    const targets = labelTargets(labels, { batch: 2, classes: 3, voxels: 20 })
    const expected = meanCrossEntropy(
      float64Arrays,
      float64Array(distribution.mean, [2, 3, 20]),
      { targets: float64Array(targets, [2, 3, 20]) },
      3,
    )
    expect(loss).toBeCloseTo((expected.data[0]! + expected.data[1]!) / 2, 4)
    for (const gradient of [gradients.factor, gradients.diagonal]) {
      expect(gradient.every((slope) => slope === 0)).toBe(true)
    }
  })

  it('adds the mean and the diagonal with their weights, gradients too', () => {
    const mixed = trainingLoss(distribution, labels, {
      ...options,
      meanLossWeight: 0.5,
      diagonalLossWeight: 2,
    })
    const joint = trainingLoss(distribution, labels, options)
    const mean = trainingLoss(distribution, labels, { ...options, phase: 'mean' })
    const diagonal = trainingLoss({ ...distribution, rank: 0, factor: none }, labels, options)
    expect(mixed.loss).toBeCloseTo(joint.loss + 0.5 * mean.loss + 2 * diagonal.loss, 10)
    const sum = (name: 'mean' | 'diagonal'): Float32Array =>
      joint.gradients[name].map(
        (slope, index) => slope + 0.5 * mean.gradients[name][index]! + 2 * diagonal.gradients[name][index]!,
      )
    expectClose(mixed.gradients.mean, sum('mean'), 1e-6)
    expectClose(mixed.gradients.diagonal, sum('diagonal'), 1e-6)
    expect(mixed.gradients.factor).toEqual(joint.gradients.factor)
  })

  it('hands on antithetic samples, the region of interest and class weights', () => {
    const more = {
      antithetic: true,
      roi: Uint8Array.from(labels, (_, index) => index % 2),
      classWeights: [1, 2, 0.5],
    }
    const { loss } = monteCarloNll(distribution, labels, { ...options, ...more })
    expect(trainingLoss(distribution, labels, { ...options, ...more }).loss).toBe(loss)
  })
})
