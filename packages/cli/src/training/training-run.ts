// One training run and its folder: from a configuration to checkpoints, metrics, and a model to use.
import { join } from 'node:path'
import { encodeSafetensors, initialWeights } from '@stochseg/backbones'
import {
  type Checkpoint,
  type CheckpointStore,
  type Dataset,
  ModelError,
  type SkippedCase,
  type TrainingRun,
  train,
} from '@stochseg/core'
import { createTfjsEngine } from '@stochseg/tfjs-adapter'
import type { CommandIo } from '../io'
import { exportRun } from '../model/export-run'
import { showProgress } from '../progress'
import { createFolder, removeTemporaryFiles, writeFileAtomically } from '../run-folder/atomic-write'
import { checkpointStore } from '../run-folder/checkpoint-store'
import { openMetricsLog } from '../run-folder/metrics-log'
import { type RunRecord, writeRunRecord } from '../run-folder/run-record'
import { prepareData } from './case-transforms'
import type { TrainingConfiguration } from './configuration'
import { networkFor } from './network'

/** What a run needs. */
export interface RunOptions {
  readonly folder: string
  readonly configuration: TrainingConfiguration
  readonly training: Dataset
  readonly validation: Dataset
  /** The record of the run to go on with. */
  readonly resumed?: RunRecord | undefined
  /** Whether it may go on with other options than it began with. */
  readonly change?: boolean | undefined
  /** What the progress line begins with. */
  readonly label: string
  readonly io: Pick<CommandIo, 'stderr' | 'signal'>
}

/**
 * Trains, and leaves run.json, metrics.ndjson, checkpoints/, model.safetensors and model.onnx in the folder.
 *
 * The model has the weights that validated best. When the signal aborts, the checkpoint `last` is saved and the signal's
 * reason thrown. The folder is touched only once the data and the engine are known to work.
 */
export async function trainInFolder(options: RunOptions): Promise<RunRecord> {
  const { folder, configuration, training, resumed, io } = options
  const network = resumed?.network ?? (await networkFor(configuration, training))
  const weights = initialWeights(network.spec, network.head, configuration)
  const { backend, optimizer: named } = configuration
  const optimizer = typeof named === 'string' ? { name: named } : named
  const engine = await createTfjsEngine({ ...network, weights, backend, optimizer })
  const data = prepareData(configuration, options)
  try {
    const checkpoints = checkpointStore(folder)
    const start = resumed ? await stepToGoOnFrom(checkpoints, folder, resumed) : 0
    if (resumed && start === 0) io.stderr.write('No checkpoint was saved yet: the run begins at step 0\n')
    if (backend === 'auto') io.stderr.write(`Training on ${engine.name}\n`)
    if (resumed && start > 0 && backendOf(resumed.engine) !== backendOf(engine.name)) {
      io.stderr.write(
        `Until step ${start} it was trained on ${resumed.engine}; ${backendOf(engine.name)} rounds differently\n`,
      )
    }
    await createFolder(folder)
    await removeTemporaryFiles(folder)
    const log = await openMetricsLog(join(folder, 'metrics.ndjson'), start)
    const progress = showProgress(io.stderr, `${options.label}: step`)
    const begun = performance.now()
    const seconds = (): number => (resumed?.seconds ?? 0) + (performance.now() - begun) / 1000
    const budget = timeBudget(configuration.minutes)
    const { steps } = configuration
    let step = start
    let endedBy: string | undefined
    /** Why cases were left out, by their ids. */
    const leftOut = new Map<string, string>()
    const note = (skipped: readonly SkippedCase[] = []): void => {
      for (const { id, reason } of skipped) leftOut.set(id, reason)
    }

    const record = (status: RunRecord['status']): RunRecord => ({
      format: 'stochseg.run',
      version: 1,
      configuration,
      network,
      status,
      step,
      seconds: seconds(),
      engine: engine.name,
    })
    const run: TrainingRun = {
      engine,
      ...data.run,
      checkpoints,
      options: { ...configuration, checkpointEvery: configuration.validateEvery },
      resume: start > 0 && (options.change ? 'changed' : true),
      signal: AbortSignal.any([io.signal, budget.signal]),
      onStep(report) {
        step = report.step
        note(report.skipped)
        log.append({ event: 'step', ...report, seconds: seconds() })
        progress.update(step, steps, `loss ${report.loss.toPrecision(4)}`)
        budget.check()
      },
      onValidation(report) {
        note(report.skipped)
        log.append({ event: 'validation', ...report, seconds: seconds() })
      },
    }
    await writeRunRecord(folder, record('training'))
    try {
      const { stoppedEarly } = await train(run).catch((reason: unknown) => {
        if (reason !== budget.signal.reason || io.signal.aborted) throw reason
        endedBy = 'the time budget is used up'
        // The budget's end is an end: validate here, as a run of so many steps would.
        const rest = { ...run, options: { ...run.options, steps: step }, resume: true, signal: io.signal }
        return train(rest)
      })
      if (stoppedEarly) endedBy = `validation no longer improves (patience ${configuration.patience})`
    } catch (error) {
      if (io.signal.aborted && error === io.signal.reason) await writeRunRecord(folder, record('interrupted'))
      throw error
    } finally {
      progress.finish()
      log.close()
      for (const reason of leftOut.values()) io.stderr.write(`Left out: ${reason}\n`)
    }
    if (endedBy) io.stderr.write(`Ended after step ${step} of ${steps}: ${endedBy}\n`)
    const best = await checkpoints.load('best')
    if (!best) throw noCheckpoint(folder)
    await writeModel(folder, { network, configuration }, best)
    const done: RunRecord = { ...record('done'), best: best.bestValidation }
    await writeRunRecord(folder, done)
    return done
  } finally {
    data.dispose()
    engine.dispose()
  }
}

/** The backend that an engine's name begins with, e.g. `tfjs wasm`. */
function backendOf(engine: string): string {
  return engine.split(/ \(|;/)[0]!
}

/** A signal that aborts once `minutes` have passed, looked at between steps: the steps leave timers no turn. */
function timeBudget(minutes = Number.POSITIVE_INFINITY): { readonly signal: AbortSignal; check(): void } {
  const controller = new AbortController()
  const end = performance.now() + minutes * 60_000
  return {
    signal: controller.signal,
    check() {
      if (performance.now() >= end && !controller.signal.aborted)
        controller.abort(new Error('time budget used up'))
    },
  }
}

async function writeModel(
  folder: string,
  run: Pick<RunRecord, 'network' | 'configuration'>,
  { state, step }: Checkpoint,
): Promise<void> {
  const metadata = { network: JSON.stringify(run.network), step: String(step) }
  await writeFileAtomically(join(folder, 'model.safetensors'), encodeSafetensors(state.weights, metadata))
  await exportRun(join(folder, 'model.onnx'), run, { weights: state.weights, step })
}

/** A run that was killed before its first checkpoint begins anew; one that is known to have come further does not. */
async function stepToGoOnFrom(
  checkpoints: CheckpointStore,
  folder: string,
  { step }: RunRecord,
): Promise<number> {
  const last = await checkpoints.load('last')
  if (last || step === 0) return last?.step ?? 0
  throw new ModelError(`'${folder}'`, {
    found: `no checkpoint 'last', though the run has come to step ${step}`,
    expected: 'checkpoints/last.safetensors',
    remedy: 'Put it back, take best.safetensors in its place, or start again in another folder',
  })
}

function noCheckpoint(folder: string): ModelError {
  return new ModelError(`'${folder}'`, {
    found: "no checkpoint 'best'",
    expected: 'the checkpoint of the best validation',
    remedy:
      'Put checkpoints/best.safetensors back, or export the last one: stochseg export --checkpoint last',
  })
}
