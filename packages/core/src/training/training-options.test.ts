import { describe, expect, it } from 'vitest'
import { ValueError } from '../errors'
import { type RequestedTrainingOptions, runIdentity, trainingOptions } from './training-options'

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
    { patience: 0 },
    { decayFactor: 0 },
    { decayFactor: 1.5 },
    { warmUpSteps: -1 },
    { schedule: 'cosine', warmUpSteps: 10 },
    { schedule: 'steps' },
    { schedule: 'steps', milestones: [5, 5] },
    { schedule: 'steps', milestones: [0] },
    { schedule: 'steps', milestones: [1.5] },
    { milestones: [5] },
    { gradientClip: 0 },
    { gradientClip: Number.NaN },
    { averageDecay: 1 },
    { averageDecay: -0.1 },
    { samples: 5, antithetic: true },
    { antithetic: 'yes' as unknown as boolean },
    { meanLossWeight: -1 },
    { diagonalLossWeight: Number.POSITIVE_INFINITY },
    { classWeights: [1, -1] },
    { classWeights: [0, 0] },
    { onBadCase: 'ignore' as 'skip' },
  ] satisfies Partial<RequestedTrainingOptions>[])('refuses %j', (wrong) => {
    expect(() => trainingOptions({ steps: 10, ...wrong })).toThrow(ValueError)
  })
})

describe('runIdentity', () => {
  const identity = (options: Partial<RequestedTrainingOptions>): Readonly<Record<string, string | number>> =>
    runIdentity(trainingOptions({ steps: 100, samples: 4, ...options }), 7)

  it('is what it was before there were more options, where those are not used', () => {
    expect(identity({})).toEqual({
      ...{ seed: 0, batchSize: 12, samples: 4, learningRate: 1e-3, schedule: 'constant', meanSteps: 10 },
      trainingCases: 7,
    })
  })

  it.each([
    { warmUpSteps: 5 },
    { antithetic: true },
    { meanLossWeight: 1 },
    { diagonalLossWeight: 1 },
    { classWeights: [1, 2] },
    { gradientClip: 1 },
    { averageDecay: 0.9 },
    { schedule: 'steps', milestones: [5] },
    { schedule: 'steps', milestones: [6] },
    { schedule: 'steps', milestones: [6], decayFactor: 0.1 },
    { schedule: 'cosine' },
  ] satisfies Partial<RequestedTrainingOptions>[])('%j makes it another run', (options) => {
    const others = [
      {},
      { schedule: 'steps', milestones: [7] } as const,
      { schedule: 'cosine', steps: 99 } as const,
    ]
    for (const other of others) expect(identity(options)).not.toEqual(identity(other))
  })

  it.each([
    { validateEvery: 3 },
    { checkpointEvery: 3 },
    { patience: 2 },
    { onBadCase: 'skip' },
    { steps: 50, meanSteps: 10 },
  ] satisfies Partial<RequestedTrainingOptions>[])('%j does not', (options) => {
    expect(identity(options)).toEqual(identity({}))
  })

  it("names the engine's settings", () => {
    expect(runIdentity(trainingOptions({ steps: 1 }), 7, { optimizer: 'adamW' })).toMatchObject({
      optimizer: 'adamW',
    })
  })
})
