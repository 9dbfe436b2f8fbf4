import { describe, expect, it } from 'vitest'
import { learningRateAt } from './learning-rate'
import { type RequestedTrainingOptions, trainingOptions } from './training-options'

const rates = (at: readonly number[], options: Partial<RequestedTrainingOptions>): number[] => {
  const checked = trainingOptions({ steps: 100, learningRate: 0.1, ...options })
  return at.map((step) => learningRateAt(step, checked))
}

function expectRates(found: readonly number[], expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length)
  for (const [index, rate] of expected.entries()) expect(found[index]).toBeCloseTo(rate, 12)
}

describe('learningRateAt', () => {
  it('stays', () => {
    expect(rates([0, 50, 99], {})).toEqual([0.1, 0.1, 0.1])
  })

  it('falls along half a cosine', () => {
    expectRates(rates([0, 50, 100], { schedule: 'cosine' }), [0.1, 0.05, 0])
  })

  it("is halved at the paper's milestones", () => {
    const milestones = [440, 640, 800, 900, 980, 1050]
    const options = { steps: 1200, schedule: 'steps', milestones } as const
    expectRates(rates([0, 439, 440, 639, 640, 1049, 1050, 1199], options), [
      0.1,
      0.1,
      0.05,
      0.05,
      0.025,
      0.1 / 32,
      0.1 / 64,
      0.1 / 64,
    ])
    expectRates(rates([440], { ...options, decayFactor: 0.1 }), [0.01])
  })

  it('rises first, in front of any schedule', () => {
    expectRates(rates([0, 1, 8, 9, 10], { warmUpSteps: 10 }), [0.01, 0.02, 0.09, 0.1, 0.1])
    const cosine = { schedule: 'cosine', warmUpSteps: 20 } as const
    expectRates(rates([9, 19, 20, 60, 100], cosine), [0.05, 0.1, 0.1, 0.05, 0])
    const steps = { schedule: 'steps', milestones: [30], warmUpSteps: 10 } as const
    expectRates(rates([4, 10, 30], steps), [0.05, 0.1, 0.05])
  })
})
