// The options of a training run: their ranges and defaults, and which of them decide a run's course.
import { ValueError } from '../errors'
import { wholeNumber } from '../whole-number'

/** What the Trainer is told; {@link trainingOptions} checks it and fills in the rest. */
export interface TrainingOptions {
  /** Optimiser steps in all. */
  readonly steps: number
  /** Steps of the first phase, on the cross-entropy of the mean alone. */
  readonly meanSteps: number
  /** Images of a step, each with one random rater. */
  readonly batchSize: number
  /** Monte-Carlo samples of the loss. */
  readonly samples: number
  readonly learningRate: number
  /** `constant`, or from `learningRate` to 0 along half a cosine over all `steps` (Loshchilov & Hutter 2017). */
  readonly schedule: 'constant' | 'cosine'
  /** Decides epoch order, raters and noise. */
  readonly seed: number
  /** Steps between validations; there is one at the end in any case. */
  readonly validateEvery: number
  /** Validate on at most this many cases, evenly spread over the split. */
  readonly validationCases: number
  /** Steps between saves of the checkpoint `last`; there is one at the end in any case. */
  readonly checkpointEvery: number
}

/** Training options of which only `steps` must be given. */
export type RequestedTrainingOptions = Pick<TrainingOptions, 'steps'> & {
  readonly [Name in keyof TrainingOptions]?: TrainingOptions[Name] | undefined
}

const NO_LIMIT = Number.MAX_SAFE_INTEGER

/**
 * Checks training options and completes them with the authors' for LIDC-IDRI (batch 12, 20 samples, learning rate 1e-3),
 * a mean phase of a tenth of the steps, and twenty validations and checkpoints. Throws {@link ValueError}.
 */
export function trainingOptions(options: RequestedTrainingOptions): TrainingOptions {
  const steps = checked('steps', options.steps, 1)
  const twentieth = Math.max(1, Math.floor(steps / 20))
  const { learningRate = 1e-3, schedule = 'constant' } = options
  if (!(learningRate > 0 && Number.isFinite(learningRate))) {
    throw new ValueError('learningRate', {
      found: String(learningRate),
      expected: 'a number > 0',
      remedy: 'The authors use 1e-3',
    })
  }
  if (schedule !== 'constant' && schedule !== 'cosine') {
    throw new ValueError('schedule', {
      found: String(schedule),
      expected: "'constant' or 'cosine'",
      remedy: 'Choose one',
    })
  }
  return {
    steps,
    meanSteps: checked('meanSteps', options.meanSteps ?? Math.floor(steps / 10), 0),
    batchSize: checked('batchSize', options.batchSize ?? 12, 1),
    samples: checked('samples', options.samples ?? 20, 1),
    learningRate,
    schedule,
    seed: checked('seed', options.seed ?? 0, 0),
    validateEvery: checked('validateEvery', options.validateEvery ?? twentieth, 1),
    validationCases: checked('validationCases', options.validationCases ?? NO_LIMIT, 1),
    checkpointEvery: checked('checkpointEvery', options.checkpointEvery ?? twentieth, 1),
  }
}

/** The learning rate of step `step`, counted from 0. */
export function learningRateAt(step: number, { learningRate, schedule, steps }: TrainingOptions): number {
  return schedule === 'constant'
    ? learningRate
    : learningRate * (0.5 + 0.5 * Math.cos((Math.PI * step) / steps))
}

/**
 * The options that decide a run's course, and the size of its training data: what a resumed run must agree on.
 *
 * How often it validates and saves may change, and how long it goes on, unless the schedule depends on that.
 */
export function runIdentity(
  { meanSteps, batchSize, samples, learningRate, schedule, seed, steps }: TrainingOptions,
  trainingCases: number,
): Readonly<Record<string, string | number>> {
  const identity = { seed, batchSize, samples, learningRate, schedule, meanSteps, trainingCases }
  return schedule === 'cosine' ? { ...identity, steps } : identity
}

function checked(name: string, value: number, least: number): number {
  return wholeNumber(name, value, { least, most: NO_LIMIT, remedy: 'Correct this training option' })
}
