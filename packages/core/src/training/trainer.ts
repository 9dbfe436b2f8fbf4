// The training loop over any engine: phases, validation, checkpoints, resuming.
import type { Dataset } from '../dataset'
import { StochsegError, TrainingError } from '../errors'
import { pendingEvents } from '../event-loop'
import { type BatchSource, type NamedBatch, type SkippedCase, trainingBatches } from './batches'
import type { CaseTransform } from './case-transform'
import type { Checkpoint, CheckpointStore, Validation } from './checkpoint'
import { checkState, diverged, lossGuard } from './guards'
import { learningRateAt } from './learning-rate'
import { readAhead } from './read-ahead'
import { checkData, restore } from './resume'
import type { TrainingEngine } from './training-engine'
import { type RequestedTrainingOptions, runIdentity, trainingOptions } from './training-options'
import { validationLoss } from './validate'

/** What was computed in one step. */
export interface StepReport {
  /** Steps taken, this one included. */
  readonly step: number
  readonly phase: 'mean' | 'all'
  /** Batch-mean loss before the update, in nats per image: the cross-entropy of the mean, or eq. 7 and what is mixed with it. */
  readonly loss: number
  readonly learningRate: number
  /** Euclidean norm of the gradient before clipping, where the engine says it. */
  readonly gradientNorm?: number
  /** Cases that others stood in for, if any. */
  readonly skipped?: readonly SkippedCase[]
}

/** A validation, and whether it is the best so far. */
export interface ValidationReport extends Validation {
  readonly best: boolean
  /** Cases that others stood in for, if any. */
  readonly skipped?: readonly SkippedCase[]
}

/** What a finished run comes to. */
export interface TrainingSummary {
  /** Optimiser steps that were taken. */
  readonly steps: number
  /** Steps that a resumed run had behind it; 0 otherwise. */
  readonly resumedFrom: number
  /** Whether it ended because validation did not improve for `patience` times. */
  readonly stoppedEarly: boolean
  /** How often a case was left out of a batch, over all parts of the run. */
  readonly skippedCases: number
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
  /** Go on from the checkpoint `last`; `changed`: though other options decide the run's course from there on. */
  readonly resume?: boolean | 'changed' | undefined
  /** Once it is aborted, the run saves `last` after the current step and throws the signal's reason. */
  readonly signal?: AbortSignal | undefined
  readonly onStep?: ((report: StepReport) => void) | undefined
  readonly onValidation?: ((report: ValidationReport) => void) | undefined
}

/**
 * Trains a network: `meanSteps` on the mean alone, then on everything, with one random rater an image and step. While the
 * engine computes, the next batches are read and transformed.
 *
 * A run is a pure function of its options, data, transforms and initial state: one that was stopped and resumed takes the
 * same steps as one that was not, as far as the engine computes the same twice. The checkpoint `best` has the lowest
 * validation loss.
 *
 * @throws ValueError for options out of range, data sets that do not fit each other, a checkpoint of another run, and a case
 * that cannot be used; ModelError when there is nothing to resume from; TrainingError when loss, gradient or weights are not
 * finite or the loss explodes, leaving the last good checkpoint, and when the loss is exactly 0 again and again; and whatever
 * the data sets, the transforms, the engine, the store or the signal throw. What was trained before a bad case is saved first.
 */
export async function train(run: TrainingRun): Promise<TrainingSummary> {
  const { engine, training, validation, checkpoints, signal } = run
  const options = trainingOptions(run.options)
  const { steps, meanSteps, batchSize, samples, seed, validateEvery, checkpointEvery, onBadCase } = options
  checkData(training, validation, steps * batchSize)
  const identity = runIdentity(options, training.length, engine.settings)
  const resumed = run.resume ? await restore(run, identity, steps) : undefined
  const resumedFrom = resumed?.step ?? 0
  const source = (dataset: Dataset, transform: CaseTransform | undefined): BatchSource => ({
    ...{ dataset, seed, transform, onBadCase },
  })
  const trainingSource = source(training, run.trainingTransform)
  const validationSource = source(validation, run.validationTransform)
  const batchAt = readAhead(trainingBatches(trainingSource, { batchSize }), { end: steps })
  const checkLoss = lossGuard(training.classes, options)

  let step = resumedFrom
  let savedStep = resumedFrom
  // Steps or validations that the checkpoint `last` does not know of.
  let unsaved = false
  let latest = resumed?.latestValidation
  let best = resumed?.bestValidation
  let sinceBest = resumed?.validationsSinceBest ?? 0
  let skippedCases = resumed?.skippedCases ?? 0
  let batch: NamedBatch | undefined

  const checkpoint = async (): Promise<Checkpoint> => {
    const state = await engine.exportState()
    // A validation has seen what the network gives by now.
    await checkState(engine, state, latest?.step === step ? undefined : batch, { step, savedStep })
    return {
      ...{ step, state, identity },
      ...(latest && { latestValidation: latest }),
      ...(best && { bestValidation: best }),
      ...(sinceBest > 0 && { validationsSinceBest: sinceBest }),
      ...(skippedCases > 0 && { skippedCases }),
    }
  }
  const saveLast = async (): Promise<void> => {
    await checkpoints.save('last', await checkpoint())
    savedStep = step
    unsaved = false
  }
  const validate = async (): Promise<void> => {
    const { validationCases: cases, classWeights } = options
    const { loss, skipped } = await validationLoss(engine, validationSource, {
      ...{ samples, batchSize, cases, classWeights, signal },
    })
    if (!Number.isFinite(loss))
      throw diverged(`validation loss ${loss}`, 'a finite loss', { step, savedStep })
    latest = { step, loss }
    unsaved = true
    const improved = best === undefined || loss < best.loss
    sinceBest = improved ? 0 : sinceBest + 1
    if (improved) {
      best = latest
      await checkpoints.save('best', await checkpoint())
    }
    run.onValidation?.({ ...latest, best: improved, ...(skipped.length > 0 && { skipped }) })
  }
  const takeStep = async (): Promise<void> => {
    batch = await batchAt(step)
    await pendingEvents()
    signal?.throwIfAborted()
    const { skipped } = batch
    const phase = step < meanSteps ? 'mean' : 'all'
    const learningRate = learningRateAt(step, options)
    const stream = step * batchSize
    const result = await engine.step(batch, { ...options, learningRate, phase, stream })
    step++
    unsaved = true
    checkLoss(result, batch, { step, savedStep })
    const { loss, gradientNorm } = result
    skippedCases += skipped.length
    run.onStep?.({
      ...{ step, phase, loss, learningRate },
      ...(gradientNorm !== undefined && { gradientNorm }),
      ...(skipped.length > 0 && { skipped }),
    })
  }

  const outOfPatience = (): boolean => sinceBest >= (options.patience ?? Number.POSITIVE_INFINITY)
  try {
    for (;;) {
      const due = step > 0 && (step === steps || step % validateEvery === 0)
      if (due && latest?.step !== step) await validate()
      const done = step === steps || outOfPatience()
      if (unsaved && (done || step % checkpointEvery === 0)) await saveLast()
      if (done) break
      await takeStep()
    }
  } catch (error) {
    const aborted = signal?.aborted && error === signal.reason
    if (unsaved && (aborted || leavesStateWhole(error))) await saveLast()
    throw error
  }
  return {
    ...{ steps: step, resumedFrom, stoppedEarly: step < steps, skippedCases },
    ...{ lastValidation: latest!, bestValidation: best! },
  }
}

/** Bad data and the like are noticed before anything is updated. */
function leavesStateWhole(error: unknown): boolean {
  return error instanceof StochsegError && !(error instanceof TrainingError)
}
