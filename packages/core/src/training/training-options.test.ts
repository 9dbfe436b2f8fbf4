import { describe, expect, it } from 'vitest'
import { ValueError } from '../errors'
import { learningRateAt } from './learning-rate'
import { trainingOptions } from './training-options'

describe('trainingOptions', () => {
  it('needs the number of steps alone', () => {
    expect(trainingOptions({ steps: 1000, seed: undefined })).toMatchObject({
      meanSteps: 100,
      batchSize: 12,
      samples: 20,
      learningRate: 1e-3,
      schedule: 'constant',
      seed: 0,
      validateEvery: 50,
    })
    expect(trainingOptions({ steps: 1 })).toMatchObject({
      meanSteps: 0,
      validateEvery: 1,
      checkpointEvery: 1,
    })
  })

  it.each([
    { steps: 0 },
    { steps: 1.5 },
    { meanSteps: -1 },
    { batchSize: 0 },
    { samples: Number.NaN },
    { learningRate: 0 },
    { learningRate: Number.POSITIVE_INFINITY },
    { schedule: 'linear' as 'cosine' },
    { seed: -1 },
    { validateEvery: 0 },
    { checkpointEvery: 0 },
  ])('refuses %j', (wrong) => {
    expect(() => trainingOptions({ steps: 10, ...wrong })).toThrow(ValueError)
  })
})

describe('learningRateAt', () => {
  it('stays, or falls along half a cosine', () => {
    const constant = trainingOptions({ steps: 100, learningRate: 0.1 })
    const cosine = trainingOptions({ steps: 100, learningRate: 0.1, schedule: 'cosine' })
    expect([0, 50, 99].map((step) => learningRateAt(step, constant))).toEqual([0.1, 0.1, 0.1])
    expect(learningRateAt(0, cosine)).toBe(0.1)
    expect(learningRateAt(50, cosine)).toBeCloseTo(0.05, 12)
    expect(learningRateAt(100, cosine)).toBeCloseTo(0, 12)
  })
})
