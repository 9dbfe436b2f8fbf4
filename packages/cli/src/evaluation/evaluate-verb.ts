// stochseg evaluate: how close a model's samples come to the raters.

import type { Split } from '@stochseg/data'
import { type DataOptions, openData, readLayout, spread } from '../datasets/open-data'
import type { CommandIo } from '../io'
import { type DeviceName, openModel } from '../model/open-model'
import { trainedLayout } from '../model/trained-layout'
import { writeFileAtomically } from '../run-folder/atomic-write'
import { textList } from '../table'
import { evaluateImageBlind, evaluateModel } from './evaluate-model'
import { classDiceText, conventions, metricsRow, metricsText } from './metrics'
import { modelReport } from './model-report'

/** Flags of `stochseg evaluate`. */
export interface EvaluateFlags {
  readonly model: string
  readonly data: string
  /** A file. */
  readonly layout?: string
  readonly split: Split
  readonly samples: number
  readonly seed: number
  readonly limit?: number
  readonly baseline?: 'image-blind'
  readonly device: DeviceName
  readonly storage: 'float32' | 'float16'
  readonly report?: string
  readonly json?: true
}

/** Runs the verb. */
export async function evaluateVerb(flags: EvaluateFlags, io: CommandIo): Promise<void> {
  const { samples, seed } = flags
  const model = await openModel(flags.model, { device: flags.device, signal: io.signal })
  const reading: DataOptions = {
    classes: model.labels,
    layout: flags.layout === undefined ? undefined : await readLayout(flags.layout),
    trained: trainedLayout(model),
  }
  const split = await openData(flags.data, flags.split, reading)
  const dataset = flags.limit === undefined ? split : spread(split, flags.limit)
  const training = flags.baseline ? await openData(flags.data, 'train', reading) : undefined
  try {
    const options = { samples, seed, signal: io.signal, stderr: io.stderr }
    const evaluation = await evaluateModel(model, dataset, { ...options, storage: flags.storage })
    const imageBlind = training && (await evaluateImageBlind(training, dataset, options))
    const rows = [
      metricsRow('model', evaluation),
      ...(imageBlind ? [metricsRow('image-blind', imageBlind)] : []),
    ]
    if (flags.report !== undefined) {
      const page = await modelReport({
        ...{ title: `${flags.model} on ${dataset.name}`, model, dataset, evaluation, rows, seed },
        storage: flags.storage,
        plots: [],
        details: [['split', flags.split]],
      })
      await writeFileAtomically(flags.report, page)
    }
    const result = imageBlind ? { ...evaluation, baselines: { imageBlind } } : evaluation
    const text = `${metricsText(rows)}\n${classDiceText(evaluation)}${textList(conventions(evaluation))}`
    io.stdout.write(flags.json ? `${JSON.stringify(result, null, 2)}\n` : text)
  } finally {
    split.close()
    training?.close()
    await model.dispose()
  }
}
