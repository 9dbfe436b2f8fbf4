// stochseg demo: train, export, evaluate, sample and report on generated data whose distribution is known exactly.
import { join } from 'node:path'
import type { Evaluation, HeadKind } from '@stochseg/core'
import { ambiguousShapes, bestPossible } from '@stochseg/data'
import { GENERATED, GENERATED_CASES } from '../datasets/open-data'
import { evaluateImageBlind, evaluateModel } from '../evaluation/evaluate-model'
import { metricsText } from '../evaluation/metrics'
import type { CommandIo } from '../io'
import { type OpenModel, openModel } from '../model/open-model'
import { duration } from '../progress'
import { type PartialConfiguration, parseConfiguration } from '../training/configuration'
import { trainInFolder } from '../training/training-run'
import { demoRows, demoSummary, writeDemoReport } from './demo-report'
import { DEMO_HEADS, type DemoResult } from './demo-result'

/** Flags of `stochseg demo`. */
export interface DemoFlags {
  readonly out: string
  readonly steps: number
  readonly json?: true
}

const SAMPLES = 100
const SEED = 0

/** Runs the verb. What an earlier demo left in the folder is replaced. */
export async function demoVerb({ out, steps, json }: DemoFlags, io: CommandIo): Promise<void> {
  const begun = performance.now()
  const split = (name: keyof typeof GENERATED_CASES) =>
    ambiguousShapes({ split: name, cases: GENERATED_CASES[name] })
  const [training, validation, test] = [split('train'), split('val'), split('test')]
  const options = { samples: SAMPLES, seed: SEED, signal: io.signal, stderr: io.stderr }

  const opened: Partial<Record<HeadKind, OpenModel>> = {}
  const evaluations: Partial<Record<HeadKind, Evaluation>> = {}
  try {
    for (const head of DEMO_HEADS) {
      const configuration = parseConfiguration({ data: GENERATED, head, steps, ...demoConfiguration(steps) })
      const folder = join(out, head)
      await trainInFolder({ folder, configuration, training, validation, label: `train ${head}`, io })
      opened[head] = await openModel(folder, { signal: io.signal })
      evaluations[head] = await evaluateModel(opened[head], test, { ...options, name: `evaluate ${head}` })
    }
    const models = opened as Record<HeadKind, OpenModel>
    const result: DemoResult = {
      models: evaluations as Record<HeadKind, Evaluation>,
      imageBlind: await evaluateImageBlind(training, test, options),
      bestPossible: await bestPossible(test, { samples: SAMPLES }),
    }
    const seconds = (performance.now() - begun) / 1000
    const report = await writeDemoReport(out, { result, models, test, seed: SEED, steps, seconds, io })
    if (json) {
      io.stdout.write(`${JSON.stringify({ ...result, seconds, report }, null, 2)}\n`)
    } else {
      const text = [
        metricsText(demoRows(result)),
        ...demoSummary(result),
        `Report: ${report} (${duration(seconds)})`,
      ]
      io.stdout.write(`${text.join('\n')}\n`)
    }
  } finally {
    for (const model of Object.values(opened)) await model.dispose()
  }
}

/** Small enough for minutes on two cores. */
function demoConfiguration(steps: number): PartialConfiguration {
  return {
    widths: [8, 16, 32],
    rank: 4,
    batchSize: 6,
    samples: 10,
    meanSteps: Math.floor(steps / 6),
    learningRate: 0.01,
    schedule: 'cosine',
    seed: SEED,
    validateEvery: Math.ceil(steps / 6),
    validationCases: 50,
  }
}
