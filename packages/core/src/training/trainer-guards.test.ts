import { describe, expect, it } from 'vitest'
import type { Dataset } from '../dataset'
import { TrainingError, ValueError } from '../errors'
import { type CheckpointStore, memoryCheckpoints } from './checkpoint'
import { linearEngine } from './linear-engine'
import { type TrainingRun, train } from './trainer'
import { brightness, emptyLog, logged, voxels } from './trainer-fixture'
import type { TrainingEngine } from './training-engine'

/** The linear engine with another step. */
function stepping(step: (healthy: TrainingEngine['step']) => TrainingEngine['step']): TrainingEngine {
  const engine = linearEngine({ classes: 2, rank: 1 })
  engine.step = step(engine.step)
  return engine
}

describe('bad input', () => {
  const training = brightness(10, 0, (index, image) => {
    if (index === 1) image[5] = Number.NaN
  })

  it('stops by its name with everything before it saved, and the run goes on without it', async () => {
    const checkpoints = memoryCheckpoints()
    const log = emptyLog()
    const error: unknown = await train(logged({ training, checkpoints }, log)).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(ValueError)
    expect(String(error)).toContain("image of case 'case 1'")
    // It is the seventh of the first epoch.
    expect(log.steps).toHaveLength(2)
    expect((await checkpoints.load('last'))!.step).toBe(2)
    const options = { onBadCase: 'skip' } as const
    const summary = await train(logged({ training, checkpoints, resume: true, options }, log))
    expect(log.steps).toHaveLength(24)
    // Seven epochs and a bit, each with the case once.
    expect(summary.skippedCases).toBeGreaterThanOrEqual(7)
    expect(log.steps.flatMap(({ skipped = [] }) => skipped)).toHaveLength(summary.skippedCases)
  })

  it('of validation too is left out and reported', async () => {
    const validation = brightness(5, 1, (index, image) => {
      if (index === 2) image[0] = Number.POSITIVE_INFINITY
    })
    const log = emptyLog()
    await expect(train(logged({ validation }))).rejects.toThrow("image of case 'case 2'")
    await train(logged({ validation, options: { onBadCase: 'skip' } }, log))
    for (const { skipped, loss } of log.validations) {
      expect(skipped).toMatchObject([{ id: 'case 2' }])
      expect(loss).toBeGreaterThan(0)
    }
  })

  it('like empty masks is none', async () => {
    const empty: Dataset = {
      ...training,
      case: async (index) => ({
        id: `${index}`,
        image: new Float32Array(voxels),
        raters: new Uint8Array(voxels),
      }),
    }
    const log = emptyLog()
    await train(logged({ training: empty, validation: empty }, log))
    expect(log.steps.at(-1)!.loss).toBeLessThan(log.steps[6]!.loss)
  })

  it('like a region of interest without a voxel teaches nothing', async () => {
    const nothing: Dataset = {
      ...brightness(10, 0),
      case: async (index) => ({ ...(await brightness(10, 0).case(index)), roi: new Uint8Array(voxels) }),
    }
    const log = emptyLog()
    await train(logged({ training: nothing }, log))
    expect(log.steps.map(({ loss }) => loss)).toEqual(Array(24).fill(0))
  })
})

describe('guards', () => {
  const failure = async (run: TrainingRun): Promise<string> => {
    const error: unknown = await train(run).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(TrainingError)
    return String(error)
  }

  it('stop at a loss that is far worse than guessing', async () => {
    const checkpoints = memoryCheckpoints()
    let steps = 0
    const engine = stepping((healthy) => async (...parameters) => {
      const result = await healthy(...parameters)
      return ++steps === 17 ? { loss: 1000 * 12 * Math.LN2 + 1 } : result
    })
    const message = await failure(logged({ engine, checkpoints }))
    expect(message).toMatch(/training step 17: found loss 8319 on case .*1000 times the loss of guessing/)
    expect(message).toContain(
      'The checkpoint of step 14 is good. Go on from it, or start again, with a lower learning rate',
    )
    expect((await checkpoints.load('last'))!.step).toBe(14)
  })

  it('let a bad loss pass that is not so bad', async () => {
    let steps = 0
    const engine = stepping((healthy) => async (...parameters) => {
      const result = await healthy(...parameters)
      return ++steps === 17 ? { loss: 900 * 12 * Math.LN2 } : result
    })
    await expect(train(logged({ engine }))).resolves.toBeDefined()
  })

  it.each([{ classWeights: [1500, 1500] }, { meanLossWeight: 1500 }, { diagonalLossWeight: 1500 }])(
    'take %j into account',
    async (weights) => {
      let steps = 0
      const engine = stepping((healthy) => async (...parameters) => {
        await healthy(...parameters)
        return { loss: (++steps === 17 ? 1_600_000 : 1500) * 12 * Math.LN2 }
      })
      expect(await failure(logged({ engine, options: weights }))).toMatch(/training step 17/)
    },
  )

  it('take losses of exactly 0 where no voxel counts by its class for what they are', async () => {
    const background: Dataset = {
      ...brightness(10, 0),
      case: async (index) => ({ ...(await brightness(10, 0).case(index)), raters: new Uint8Array(voxels) }),
    }
    const log = emptyLog()
    await train(logged({ training: background, options: { classWeights: [0, 1] } }, log))
    expect(log.steps.map(({ loss }) => loss)).toEqual(Array(24).fill(0))
  })

  it('stop at a gradient that is not finite', async () => {
    const engine = stepping((healthy) => async (batch, stepOptions) => {
      const result = await healthy(batch, stepOptions)
      return stepOptions.stream === 6 ? { ...result, gradientNorm: Number.POSITIVE_INFINITY } : result
    })
    expect(await failure(logged({ engine }))).toMatch(/training step 3: found a gradient of norm Infinity/)
  })

  it('stop at losses of exactly 0, one after the other, but not at one or two', async () => {
    const zeroAt = (zeros: readonly number[]): TrainingEngine => {
      let steps = 0
      return stepping((healthy) => async (...parameters) => {
        const result = await healthy(...parameters)
        return zeros.includes(steps++) ? { loss: 0 } : result
      })
    }
    expect(await failure(logged({ engine: zeroAt([4, 5, 6]) }))).toMatch(/step 7: found a loss of exactly 0/)
    await expect(train(logged({ engine: zeroAt([4, 5, 7, 8]) }))).resolves.toBeDefined()
  })

  it('save no state whose network gives what is not finite', async () => {
    const checkpoints = memoryCheckpoints()
    const engine = linearEngine({ classes: 2, rank: 1 })
    const { predict } = engine
    let saved = 0
    engine.predict = async (...parameters) => {
      const distribution = await predict(...parameters)
      return saved < 1 ? distribution : { ...distribution, mean: distribution.mean.map(() => Number.NaN) }
    }
    const counting: CheckpointStore = {
      ...checkpoints,
      save: async (name, checkpoint) => {
        saved++
        await checkpoints.save(name, checkpoint)
      },
    }
    const run = logged({ engine, checkpoints: counting, options: { validateEvery: 100 } })
    expect(await failure(run)).toMatch(
      /training step 14: found a network that gives NaN .*checkpoint of step 7 is good/,
    )
    expect((await checkpoints.load('last'))!.step).toBe(7)
  })

  it('leave the checkpoint of a store that cannot save', async () => {
    const kept = memoryCheckpoints()
    let room = 3
    const full: CheckpointStore = {
      ...kept,
      save: async (name, checkpoint) => {
        if (room-- <= 0) throw new Error('no space')
        await kept.save(name, checkpoint)
      },
    }
    await expect(train(logged({ checkpoints: full }))).rejects.toThrow('no space')
    const log = emptyLog()
    const from = (await kept.load('last'))!.step
    expect(from).toBeGreaterThan(0)
    await train(logged({ checkpoints: kept, resume: true }, log))
    const whole = emptyLog()
    await train(logged({}, whole))
    expect(log.steps).toEqual(whole.steps.slice(from))
  })
})
