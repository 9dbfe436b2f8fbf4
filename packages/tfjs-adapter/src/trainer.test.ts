// The Trainer over TF.js: what every option at once comes to after any stop.
import { initialWeights, unet } from '@stochseg/backbones'
import {
  type CaseTransform,
  type Dataset,
  memoryCheckpoints,
  randomInteger,
  type StepReport,
  ssnHead,
  standardNormals,
  type TrainingRun,
  type TrainingSummary,
  train,
  type ValidationReport,
} from '@stochseg/core'
import { beforeAll, expect, it } from 'vitest'
import { openBackend } from './backend'
import { TfjsEngine } from './engine'
import { specNetwork } from './trainable-network'

const size = 8

/** Bright pixels are labelled by the first of two raters; one image is not finite. */
const dataset: Dataset = {
  name: 'brightness',
  channels: 1,
  classes: 2,
  spatial: [size, size],
  length: 7,
  case: async (index) => {
    const image = standardNormals(size * size, { seed: 11, stream: index })
    const raters = new Uint8Array(2 * size * size)
    raters.set(image.map((value) => Number(value > 0)))
    if (index === 4) image[9] = Number.NaN
    return { id: `case ${index}`, image, raters }
  },
}

const upsideDown: CaseTransform = (item, { seed, position }) => {
  if (randomInteger({ seed, index: position }, 2) === 0) return item
  return { ...item, image: item.image.slice().reverse(), raters: item.raters.slice().reverse() }
}

beforeAll(async () => {
  await openBackend()
})

function runOf(changes: Partial<TrainingRun>): TrainingRun {
  const spec = unet({ inputChannels: 1, widths: [2, 4] })
  const head = ssnHead({ classes: 2, rank: 2 })
  const network = specNetwork({ spec, head, weights: initialWeights(spec, head, { seed: 1 }) })
  return {
    engine: new TfjsEngine('test', network, { name: 'rmsProp', momentum: 0.6, weightDecay: 1e-4 }),
    training: dataset,
    validation: dataset,
    trainingTransform: upsideDown,
    checkpoints: memoryCheckpoints(),
    options: {
      ...{
        steps: 10,
        meanSteps: 3,
        batchSize: 2,
        samples: 4,
        seed: 5,
        validateEvery: 4,
        checkpointEvery: 100,
      },
      ...{ schedule: 'steps', milestones: [6], warmUpSteps: 2, gradientClip: 50, averageDecay: 0.8 },
      ...{ antithetic: true, meanLossWeight: 0.3, diagonalLossWeight: 0.2, classWeights: [1, 2] },
      ...{ onBadCase: 'skip' },
    },
    ...changes,
  }
}

it('takes the same steps, bit for bit, when it is stopped and resumed by a new engine after each', async () => {
  const whole: (StepReport | ValidationReport)[] = []
  const straight = memoryCheckpoints()
  const note = (report: StepReport | ValidationReport): void => void whole.push(report)
  const wholeSummary = await train(runOf({ checkpoints: straight, onStep: note, onValidation: note }))
  expect(wholeSummary.skippedCases).toBeGreaterThan(0)

  const parts: (StepReport | ValidationReport)[] = []
  const checkpoints = memoryCheckpoints()
  let summary: TrainingSummary | undefined
  for (let part = 0; !summary; part++) {
    const controller = new AbortController()
    const run = runOf({
      ...{ checkpoints, resume: part > 0, signal: controller.signal },
      onStep(report) {
        parts.push(report)
        if (report.step < 10) controller.abort('stopped')
      },
      onValidation: (report) => parts.push(report),
    })
    summary = await train(run).catch((reason: unknown) => {
      expect(reason).toBe('stopped')
      return undefined
    })
    run.engine.dispose()
  }
  expect(parts).toEqual(whole)
  expect({ ...summary, resumedFrom: 0 }).toEqual(wholeSummary)
  for (const name of ['last', 'best'] as const) {
    expect(await checkpoints.load(name)).toEqual(await straight.load(name))
  }
})
