// stochseg train: data in, a run folder out.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DataError, ValueError } from '@stochseg/core'
import { openData, readLayout, spread } from '../datasets/open-data'
import { evaluateModel } from '../evaluation/evaluate-model'
import { metricsRow } from '../evaluation/metrics'
import { modelReport } from '../evaluation/model-report'
import type { CommandIo } from '../io'
import { openModel } from '../model/open-model'
import { trainingPlots } from '../plots/training-plots'
import { duration } from '../progress'
import { writeFileAtomically } from '../run-folder/atomic-write'
import { type RunRecord, readRunRecord } from '../run-folder/run-record'
import { formatNumber, textList } from '../table'
import {
  type PartialConfiguration,
  parseConfiguration,
  readConfiguration,
  resumedConfiguration,
  type TrainingConfiguration,
} from './configuration'
import { trainInFolder } from './training-run'

/** Flags of `stochseg train`: the configuration, and what is about this call alone. */
export interface TrainFlags extends Omit<PartialConfiguration, 'layout'> {
  readonly out: string
  /** A file. */
  readonly layout?: string
  readonly config?: string
  readonly resume?: true
  readonly change?: true
  readonly report?: string
  readonly json?: true
}

const REPORT_CASES = 100
const REPORT_SAMPLES = 100

/** Runs the verb. */
export async function trainVerb(flags: TrainFlags, io: CommandIo): Promise<void> {
  const { out, config, resume, change, report, json, layout, ...flagged } = flags
  const given = layout === undefined ? flagged : { ...flagged, layout: await readLayout(layout) }
  if (change && !resume) throw changeOfNothing()
  const resumed = resume ? await readRunRecord(out) : undefined
  if (!resumed) await refuseExistingRun(out)
  const requested = await configurationOf(given, config, resumed, change)
  const training = await openData(requested.data, 'train', requested)
  // The run and its model say how volumes are read, also where it was the data that said so.
  const configuration = training.layout ? { ...requested, layout: training.layout } : requested
  const validation = await openData(configuration.data, 'val', configuration)
  try {
    const record = await trainInFolder({
      ...{ folder: out, configuration, training, validation, resumed, change, io },
      label: configuration.head,
    })
    if (report !== undefined) {
      await writeReport(report, out, record, spread(validation, REPORT_CASES), io)
    }
    io.stdout.write(json ? `${JSON.stringify(resultOf(out, record), null, 2)}\n` : summaryOf(out, record))
  } catch (error) {
    if (io.signal.aborted) io.stderr.write(`To go on: stochseg train --out ${out} --resume\n`)
    throw error
  } finally {
    training.close()
    validation.close()
  }
}

async function configurationOf(
  flags: PartialConfiguration,
  file: string | undefined,
  resumed: RunRecord | undefined,
  change: boolean | undefined,
): Promise<TrainingConfiguration> {
  const given = { ...(file === undefined ? {} : await readConfiguration(file)), ...flags }
  if (resumed) return resumedConfiguration(resumed.configuration, given, { change })
  return parseConfiguration(given)
}

/** A run that has come as far as a checkpoint is work: it is never written over. */
async function refuseExistingRun(folder: string): Promise<void> {
  const exists = await stat(join(folder, 'checkpoints')).then(
    () => true,
    () => false,
  )
  if (!exists) return
  throw new DataError(`'${folder}'`, {
    found: 'a run',
    expected: 'a folder without one',
    remedy: 'Go on with it by --resume, or choose another folder',
  })
}

function changeOfNothing(): ValueError {
  return new ValueError('--change', {
    found: 'no --resume',
    expected: 'a run that goes on with other options',
    remedy: 'Add --resume, or leave --change out',
  })
}

async function writeReport(
  path: string,
  folder: string,
  record: RunRecord,
  dataset: Parameters<typeof evaluateModel>[1],
  io: CommandIo,
): Promise<void> {
  const { seed } = record.configuration
  const model = await openModel(folder, { signal: io.signal })
  try {
    const options = { samples: REPORT_SAMPLES, seed, signal: io.signal, stderr: io.stderr }
    const evaluation = await evaluateModel(model, dataset, options)
    const page = await modelReport({
      ...{ title: `${folder} on its validation split`, model, dataset, evaluation, seed },
      rows: [metricsRow(record.configuration.head, evaluation)],
      plots: await trainingPlots([{ name: record.configuration.head, folder }]),
      details: [['training', `${record.step} steps in ${duration(record.seconds)} on ${record.engine}`]],
    })
    await writeFileAtomically(path, page)
  } finally {
    await model.dispose()
  }
}

function resultOf(folder: string, { status, step, seconds, engine, best }: RunRecord): object {
  return { folder, status, steps: step, seconds, engine, bestValidation: best }
}

function summaryOf(folder: string, { step, seconds, engine, best }: RunRecord): string {
  return textList([
    ['run', folder],
    ['model', join(folder, 'model.onnx')],
    ['training', `${step} steps in ${duration(seconds)} on ${engine}`],
    ['best validation loss', `${formatNumber(best?.loss)} nats per image, after step ${best?.step}`],
  ])
}
