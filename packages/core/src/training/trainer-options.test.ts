import { describe, expect, it } from 'vitest'
import type { Dataset } from '../dataset'
import { randomInteger } from '../noise/random-integers'
import type { CaseTransform } from './case-transform'
import { memoryCheckpoints } from './checkpoint'
import { linearEngine } from './linear-engine'
import { type StepReport, type TrainingRun, type TrainingSummary, train } from './trainer'
import { brightness, emptyLog, type Log, logged, voxels } from './trainer-fixture'
import type { StepOptions, TrainingEngine } from './training-engine'
import type { RequestedTrainingOptions } from './training-options'

/** Shifts a case's columns by a random number, labels too. */
const shifted: CaseTransform = (item, { seed, position }) => {
  const shift = randomInteger({ seed, index: position }, 4)
  const roll = <Values extends Float32Array | Uint8Array>(values: Values): Values =>
    values.map((_, index) => values[index - (index % 4) + ((index + shift) % 4)]!) as Values
  return { ...item, image: roll(item.image), raters: roll(item.raters) }
}

describe('every option at once', () => {
  const everything: Partial<RequestedTrainingOptions> = {
    ...{ schedule: 'steps', milestones: [10, 17], decayFactor: 0.5, warmUpSteps: 4 },
    ...{ gradientClip: 5, averageDecay: 0.8, antithetic: true, meanLossWeight: 0.3, diagonalLossWeight: 0.2 },
    ...{ classWeights: [1, 2], onBadCase: 'skip' },
  }
  const run = (log: Log, changes: Partial<TrainingRun> = {}): TrainingRun =>
    logged(
      {
        engine: linearEngine({
          classes: 2,
          rank: 1,
          optimizer: { name: 'rmsProp', momentum: 0.6, weightDecay: 1e-4, decayed: 'all' },
        }),
        training: brightness(10, 0, (index, image) => {
          if (index === 3) image[5] = Number.NaN
        }),
        trainingTransform: shifted,
        validationTransform: shifted,
        options: everything,
        ...changes,
      },
      log,
    )

  it('takes the same steps, bit for bit, when it is stopped and resumed after each', async () => {
    const whole = emptyLog()
    const straight = memoryCheckpoints()
    const wholeSummary = await train(run(whole, { checkpoints: straight }))
    expect(whole.steps.some(({ skipped }) => skipped?.[0]?.id === 'case 3')).toBe(true)
    expect(whole.steps.every(({ gradientNorm }) => gradientNorm! > 0)).toBe(true)

    const log = emptyLog()
    const checkpoints = memoryCheckpoints()
    let summary: TrainingSummary | undefined
    for (let part = 0; !summary; part++) {
      const controller = new AbortController()
      const onStep = (report: StepReport): void => {
        log.steps.push(report)
        if (report.step < 24) controller.abort('stopped')
      }
      const stopped = run(log, { checkpoints, resume: part > 0, signal: controller.signal, onStep })
      summary = await train(stopped).catch((reason: unknown) => {
        expect(reason).toBe('stopped')
        return undefined
      })
    }
    expect(log).toEqual(whole)
    expect({ ...summary, resumedFrom: 0 }).toEqual(wholeSummary)
    for (const name of ['last', 'best'] as const) {
      expect(await checkpoints.load(name)).toEqual(await straight.load(name))
    }
  })

  it('reaches the engine', async () => {
    const seen: StepOptions[] = []
    const engine = linearEngine({ classes: 2, rank: 1, onStep: (_, stepOptions) => seen.push(stepOptions) })
    await train(run(emptyLog(), { engine }))
    expect(seen[0]).toMatchObject({
      ...{ learningRate: 0.0025, phase: 'mean', gradientClip: 5, averageDecay: 0.8, antithetic: true },
      ...{ meanLossWeight: 0.3, diagonalLossWeight: 0.2, classWeights: [1, 2] },
    })
    expect([3, 9, 10, 17].map((step) => seen[step]!.learningRate)).toEqual([0.01, 0.01, 0.005, 0.0025])
  })
})

describe('transforms', () => {
  it('change what is trained and validated on, the latter in the same way each time', async () => {
    const plain = emptyLog()
    await train(logged({}, plain))
    const trained = emptyLog()
    await train(logged({ trainingTransform: shifted }, trained))
    expect(trained.steps).not.toEqual(plain.steps)

    const positions: number[] = []
    const validationTransform: CaseTransform = (item, { position }) => {
      positions.push(position)
      return item
    }
    await train(logged({ validationTransform }))
    expect(positions).toHaveLength(25)
    expect(positions.slice(0, 5)).toEqual(positions.slice(20))
    expect(Math.min(...positions)).toBeGreaterThanOrEqual(2 ** 31)
  })
})

it('reads and transforms the batches of the next two steps while one is computed', async () => {
  const read: number[] = []
  const seen: number[] = []
  const trainingTransform: CaseTransform = (item, { position }) => {
    read.push(position)
    return item
  }
  const onStep = (): void => void seen.push(Math.max(...read))
  const engine = linearEngine({ classes: 2, rank: 1, onStep })
  await train(logged({ engine, trainingTransform }))
  // Batches of three: at step k, those of step k + 2 are there, up to the last.
  expect(seen).toEqual(Array.from({ length: 24 }, (_, step) => 3 * Math.min(step + 3, 24) - 1))
})

describe('patience', () => {
  /** Validates as it is told: the loss of validation k. */
  const told = (losses: readonly number[]): TrainingEngine => {
    const engine = linearEngine({ classes: 2, rank: 1 })
    const { step, predict } = engine
    let steps = 0
    engine.step = (...parameters) => {
      steps++
      return step(...parameters)
    }
    engine.predict = async (...parameters) => {
      const distribution = await predict(...parameters)
      const mean = distribution.mean.map(() => 0)
      // A mean that is wrong everywhere by so much costs that much a voxel.
      const wrong = losses[Math.floor(steps / 2) - 1] ?? 0
      return { ...distribution, mean: mean.map((_, index) => (Math.floor(index / voxels) % 2 ? wrong : 0)) }
    }
    return engine
  }
  const validation: Dataset = {
    ...brightness(1, 1),
    case: async () => ({ id: 'empty', image: new Float32Array(voxels), raters: new Uint8Array(voxels) }),
  }
  const settings = { steps: 20, meanSteps: 0, validateEvery: 2, checkpointEvery: 100 }
  const losses = [5, 3, 4, 6, 2, 7, 8, 9, 1, 1]

  it('ends the run after so many validations without a better one, with both checkpoints', async () => {
    const log = emptyLog()
    const checkpoints = memoryCheckpoints()
    const engine = told(losses)
    const summary = await train(
      logged({ engine, validation, checkpoints, options: { ...settings, patience: 3 } }, log),
    )
    expect(log.validations.map(({ best }) => best)).toEqual([
      true,
      true,
      false,
      false,
      true,
      false,
      false,
      false,
    ])
    expect(summary).toMatchObject({ steps: 16, stoppedEarly: true, bestValidation: { step: 10 } })
    expect((await checkpoints.load('last'))!.step).toBe(16)
    expect((await checkpoints.load('best'))!.step).toBe(10)

    const resumed = emptyLog()
    const again = { engine, validation, checkpoints, resume: true }
    expect(await train(logged({ ...again, options: { ...settings, patience: 3 } }, resumed))).toEqual({
      ...summary,
      resumedFrom: 16,
    })
    expect(resumed).toEqual(emptyLog())
    const patient = await train(logged({ ...again, options: { ...settings, patience: 4 } }))
    expect(patient).toMatchObject({ steps: 20, stoppedEarly: false })
  })

  it('counts on after it was resumed', async () => {
    const checkpoints = memoryCheckpoints()
    const engine = told(losses)
    await train(logged({ engine, validation, checkpoints, options: { ...settings, steps: 14, patience: 3 } }))
    const resumed = { engine, validation, checkpoints, resume: true, options: { ...settings, patience: 3 } }
    expect(await train(logged(resumed))).toMatchObject({ steps: 16, stoppedEarly: true })
  })
})

it('goes on with other options where it is told that they changed', async () => {
  const checkpoints = memoryCheckpoints()
  await train(logged({ checkpoints, options: { steps: 14, averageDecay: 0.9 } }))
  const log = emptyLog()
  const changed = { checkpoints, options: { learningRate: 1e-3 } }
  await expect(train(logged({ ...changed, resume: true }))).rejects.toThrow(
    /learningRate 0.001, averageDecay not set/,
  )
  await train(logged({ ...changed, resume: 'changed' }, log))
  expect(log.steps.map(({ step, learningRate }) => [step, learningRate])).toEqual(
    Array.from({ length: 10 }, (_, index) => [15 + index, 1e-3]),
  )
  // No average is kept any more.
  const { state, identity } = (await checkpoints.load('last'))!
  expect([...state.optimizer.keys()]).toEqual(['all.adam.first', 'all.adam.second', 'all.adam.step'])
  expect(identity).toMatchObject({ learningRate: 1e-3 })
})

describe("the engine's settings", () => {
  it('are part of what a resumed run must agree on', async () => {
    const checkpoints = memoryCheckpoints()
    await train(logged({ checkpoints }))
    const engine = Object.assign(linearEngine({ classes: 2, rank: 1 }), { settings: { optimizer: 'adamW' } })
    await expect(train(logged({ engine, checkpoints, resume: true }))).rejects.toThrow(
      /found optimizer adamW; expected optimizer not set/,
    )
  })
})
