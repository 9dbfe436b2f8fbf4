// The training loop over any engine: phases, validation, checkpoints, resuming, guards.
import type { Dataset } from '../dataset'
import { ModelError, TrainingError, ValueError } from '../errors'
import { pendingEvents } from '../event-loop'
import { type BatchSource, trainingBatches } from './batches'
import type { CaseTransform } from './case-transform'
import { type Checkpoint, type CheckpointStore, checkSameRun, type Validation } from './checkpoint'
import { readAhead } from './read-ahead'
import type { TrainingEngine } from './training-engine'
import {
  learningRateAt,
  type RequestedTrainingOptions,
  runIdentity,
  trainingOptions,
} from './training-options'
import { VALIDATION_STREAMS, validationLoss } from './validate'

/** What was computed in one step. */
export interface StepReport {
  /** Steps taken, this one included. */
  readonly step: number
  readonly phase: 'mean' | 'all'
  /** Batch-mean loss before the update, in nats per image: the cross-entropy of the mean, or eq. 7. */
  readonly loss: number
  readonly learningRate: number
}

/** A validation, and whether it is the best so far. */
export interface ValidationReport extends Validation {
  readonly best: boolean
}

/** What a finished run comes to. */
export interface TrainingSummary {
  readonly steps: number
  /** Steps that a resumed run had behind it; 0 otherwise. */
  readonly resumedFrom: number
  readonly lastValidation: Validation
  /** The validation of the checkpoint `best`. */
  readonly bestValidation: Validation
}

/** One training run. */
export interface TrainingRun {
  readonly engine: TrainingEngine
  readonly training: Dataset
  readonly validation: Dataset
  readonly options: RequestedTrainingOptions
  readonly checkpoints: CheckpointStore
  /** What each training case goes through first: a patch is cut, it is augmented. */
  readonly trainingTransform?: CaseTransform | undefined
  /** The same for validation, where each case meets the same draw every time. */
  readonly validationTransform?: CaseTransform | undefined
  /** Go on from the checkpoint `last`. */
  readonly resume?: boolean | undefined
  /** Once it is aborted, the run saves `last` after the current step and throws the signal's reason. */
  readonly signal?: AbortSignal | undefined
  readonly onStep?: ((report: StepReport) => void) | undefined
  readonly onValidation?: ((report: ValidationReport) => void) | undefined
}

/**
 * Trains a network: `meanSteps` on the mean alone, then on everything, with one random rater an image and step. While the
 * engine computes, the next batches are read and transformed.
 *
 * A run is a pure function of its options, data and initial state: one that was stopped and resumed takes the same steps as
 * one that was not, as far as the engine computes the same twice. The checkpoint `best` has the lowest validation loss.
 *
 * @throws ValueError for options out of range, data sets that do not fit each other, and a checkpoint of another run;
 * ModelError when there is nothing to resume from; TrainingError when the loss or the weights are not finite, leaving the
 * last checkpoint as it was; and whatever the data sets, the engine, the store or the signal throw.
 */
export async function train(run: TrainingRun): Promise<TrainingSummary> {
  const { engine, training, validation, checkpoints, signal } = run
  const options = trainingOptions(run.options)
  const { steps, meanSteps, batchSize, samples, seed, validateEvery, checkpointEvery } = options
  checkData(training, validation, steps * batchSize)
  const identity = runIdentity(options, training.length)
  const resumed = run.resume ? await restore(run, identity, steps) : undefined
  const resumedFrom = resumed?.step ?? 0
  const trainingSource: BatchSource = { dataset: training, seed, transform: run.trainingTransform }
  const validationSource: BatchSource = { dataset: validation, seed, transform: run.validationTransform }
  const batchAt = readAhead(trainingBatches(trainingSource, { batchSize }), { end: steps })

  let step = resumedFrom
  let savedStep = resumedFrom
  let latest = resumed?.latestValidation
  let best = resumed?.bestValidation

  const checkpoint = async (): Promise<Checkpoint> => {
    const state = await engine.exportState()
    checkFinite(state.weights, step, savedStep)
    return {
      step,
      state,
      identity,
      ...(latest && { latestValidation: latest }),
      ...(best && { bestValidation: best }),
    }
  }
  const saveLast = async (): Promise<void> => {
    await checkpoints.save('last', await checkpoint())
    savedStep = step
  }
  const validate = async (): Promise<void> => {
    const cases = options.validationCases
    const { loss } = await validationLoss(engine, validationSource, { samples, batchSize, cases, signal })
    if (!Number.isFinite(loss)) throw notFinite(`validation loss ${loss}`, step, savedStep)
    latest = { step, loss }
    const improved = best === undefined || loss < best.loss
    if (improved) {
      best = latest
      await checkpoints.save('best', await checkpoint())
    }
    run.onValidation?.({ ...latest, best: improved })
  }

  try {
    for (;;) {
      const done = step === steps
      const due = step > 0 && (done || step % validateEvery === 0)
      if (due && latest?.step !== step) await validate()
      if (step > savedStep && (done || step % checkpointEvery === 0)) await saveLast()
      if (done) break
      const batch = await batchAt(step)
      await pendingEvents()
      signal?.throwIfAborted()
      const phase = step < meanSteps ? 'mean' : 'all'
      const learningRate = learningRateAt(step, options)
      const stream = step * batchSize
      const loss = await engine.step(batch, { learningRate, phase, samples, seed, stream })
      step++
      if (!Number.isFinite(loss)) throw notFinite(`loss ${loss} on ${batch.ids.join(', ')}`, step, savedStep)
      run.onStep?.({ step, phase, loss, learningRate })
    }
  } catch (error) {
    if (signal?.aborted && error === signal.reason && step > savedStep) await saveLast()
    throw error
  }
  return { steps, resumedFrom, lastValidation: latest!, bestValidation: best! }
}

function checkData(training: Dataset, validation: Dataset, items: number): void {
  for (const dataset of [training, validation]) {
    if (dataset.length > 0) continue
    throw new ValueError(dataset.name, {
      found: 'no cases',
      expected: 'at least one',
      remedy: 'Training needs a filled training and a filled validation split',
    })
  }
  const describe = ({ channels, classes }: Dataset): string => `${channels} channels, ${classes} classes`
  if (describe(training) !== describe(validation)) {
    throw new ValueError('validation data', {
      found: describe(validation),
      expected: `${describe(training)}, as in the training data`,
      remedy: 'Validate on data of the same kind',
    })
  }
  if (items > VALIDATION_STREAMS) {
    throw new ValueError('training run', {
      found: `${items} images in all`,
      expected: `at most ${VALIDATION_STREAMS}, steps × batchSize, so that no two share noise`,
      remedy: 'Take fewer steps, or go on in a second run with another seed',
    })
  }
}

async function restore(
  { engine, checkpoints }: TrainingRun,
  identity: Checkpoint['identity'],
  steps: number,
): Promise<Checkpoint> {
  const stored = await checkpoints.load('last')
  if (stored === undefined) {
    throw new ModelError('resuming a run', {
      found: 'no checkpoint',
      expected: 'the checkpoint of an earlier run',
      remedy: 'Start the run without resuming',
    })
  }
  checkSameRun(stored.identity, identity)
  if (stored.step > steps) {
    throw new ValueError('resuming a run', {
      found: `${steps} steps`,
      expected: `at least the ${stored.step} that the checkpoint has behind it`,
      remedy: 'Ask for more steps',
    })
  }
  await engine.importState(stored.state)
  return stored
}

function checkFinite(weights: Checkpoint['state']['weights'], step: number, savedStep: number): void {
  for (const [name, { data }] of weights) {
    const index = data.findIndex((value) => !Number.isFinite(value))
    if (index >= 0) throw notFinite(`${data[index]} in ${name}`, step, savedStep)
  }
}

function notFinite(found: string, step: number, savedStep: number): TrainingError {
  return new TrainingError(`training step ${step}`, {
    found,
    expected: 'finite numbers',
    remedy: `${savedStep > 0 ? `The checkpoint of step ${savedStep} is good` : 'No checkpoint was saved yet'}. Lower the learning rate, or make the mean phase longer`,
  })
}
