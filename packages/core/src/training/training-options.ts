// The options of a training run: their ranges and defaults, and which of them decide a run's course.
import { ValueError } from '../errors'
import { wholeNumber } from '../whole-number'
import type { Schedule } from './learning-rate'

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
  /** Samples in mirrored pairs: less noise in the gradient for the same work. `samples` must then be even. */
  readonly antithetic: boolean
  /** Weight of the cross-entropy of the mean alone, added to eq. 7. */
  readonly meanLossWeight: number
  /** Weight of eq. 7 without the factor, every voxel independent, added to eq. 7. */
  readonly diagonalLossWeight: number
  /** What a voxel's log-probability is multiplied with, by its label; none unless given. */
  readonly classWeights?: readonly number[] | undefined
  /** Before schedule and warm-up. */
  readonly learningRate: number
  /** How the learning rate goes on, see `learningRateAt`. */
  readonly schedule: Schedule
  /** Steps at which the schedule `steps` multiplies the learning rate, in rising order. */
  readonly milestones: readonly number[]
  /** What it multiplies it with, in (0, 1]. */
  readonly decayFactor: number
  /** Steps over which the learning rate rises, in front of any schedule. */
  readonly warmUpSteps: number
  /** Largest norm of a step's whole gradient; no limit unless given. */
  readonly gradientClip?: number | undefined
  /** Decay of the weights' moving average, which is then validated, kept and exported; none unless given. */
  readonly averageDecay?: number | undefined
  /** Decides epoch order, raters, transforms and noise. */
  readonly seed: number
  /** Steps between validations; there is one at the end in any case. */
  readonly validateEvery: number
  /** Validate on at most this many cases, evenly spread over the split. */
  readonly validationCases: number
  /** End the run after this many validations without a better one; never unless given. */
  readonly patience?: number | undefined
  /** Steps between saves of the checkpoint `last`; there is one at the end in any case. */
  readonly checkpointEvery: number
  /** Whether a case that cannot be used (not finite, a label that is no class, unreadable) ends the run or is left out. */
  readonly onBadCase: 'stop' | 'skip'
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
  const steps = whole('steps', options.steps, 1)
  const twentieth = Math.max(1, Math.floor(steps / 20))
  const { gradientClip, averageDecay, patience, classWeights } = options
  const checked: TrainingOptions = {
    steps,
    meanSteps: whole('meanSteps', options.meanSteps ?? Math.floor(steps / 10), 0),
    batchSize: whole('batchSize', options.batchSize ?? 12, 1),
    samples: whole('samples', options.samples ?? 20, 1),
    antithetic: oneOf('antithetic', options.antithetic ?? false, [false, true]),
    meanLossWeight: within('meanLossWeight', options.meanLossWeight ?? 0, 'a number ≥ 0', atLeastZero),
    diagonalLossWeight: within(
      'diagonalLossWeight',
      options.diagonalLossWeight ?? 0,
      'a number ≥ 0',
      atLeastZero,
    ),
    ...(classWeights && { classWeights: checkedClassWeights(classWeights) }),
    learningRate: within('learningRate', options.learningRate ?? 1e-3, 'a number > 0', aboveZero),
    schedule: oneOf('schedule', options.schedule ?? 'constant', ['constant', 'cosine', 'steps']),
    milestones: checkedMilestones(options.milestones ?? []),
    decayFactor: within(
      'decayFactor',
      options.decayFactor ?? 0.5,
      'a number > 0, at most 1',
      (value) => value > 0 && value <= 1,
    ),
    warmUpSteps: whole('warmUpSteps', options.warmUpSteps ?? 0, 0),
    ...(gradientClip !== undefined && {
      gradientClip: within('gradientClip', gradientClip, 'a number > 0', aboveZero),
    }),
    ...(averageDecay !== undefined && {
      averageDecay: within(
        'averageDecay',
        averageDecay,
        'a number from 0 up to, but not, 1',
        (value) => value >= 0 && value < 1,
      ),
    }),
    seed: whole('seed', options.seed ?? 0, 0),
    validateEvery: whole('validateEvery', options.validateEvery ?? twentieth, 1),
    validationCases: whole('validationCases', options.validationCases ?? NO_LIMIT, 1),
    ...(patience !== undefined && { patience: whole('patience', patience, 1) }),
    checkpointEvery: whole('checkpointEvery', options.checkpointEvery ?? twentieth, 1),
    onBadCase: oneOf('onBadCase', options.onBadCase ?? 'stop', ['stop', 'skip']),
  }
  checkTogether(checked)
  return checked
}

/**
 * The options that decide a run's course, and the size of its training data: what a resumed run must agree on. Options that
 * older checkpoints do not know are named only where they are not the default.
 *
 * How often it validates and saves may change, and how long it goes on, unless the schedule depends on that; and what happens
 * to bad cases, of which a run that stops has met none so far.
 */
export function runIdentity(
  options: TrainingOptions,
  trainingCases: number,
  engineSettings: Readonly<Record<string, string | number>> = {},
): Readonly<Record<string, string | number>> {
  const { meanSteps, batchSize, samples, learningRate, schedule, seed, steps } = options
  const { antithetic, meanLossWeight, diagonalLossWeight, classWeights } = options
  const { milestones, decayFactor, warmUpSteps, gradientClip, averageDecay } = options
  return {
    ...{ seed, batchSize, samples, learningRate, schedule, meanSteps, trainingCases },
    ...(schedule === 'cosine' && { steps }),
    ...(schedule === 'steps' && { milestones: milestones.join(' '), decayFactor }),
    ...(warmUpSteps > 0 && { warmUpSteps }),
    ...(antithetic && { antithetic: 'true' }),
    ...(meanLossWeight > 0 && { meanLossWeight }),
    ...(diagonalLossWeight > 0 && { diagonalLossWeight }),
    ...(classWeights && { classWeights: classWeights.join(' ') }),
    ...(gradientClip !== undefined && { gradientClip }),
    ...(averageDecay !== undefined && { averageDecay }),
    ...engineSettings,
  }
}

function checkTogether({
  samples,
  antithetic,
  schedule,
  milestones,
  warmUpSteps,
  steps,
}: TrainingOptions): void {
  if (antithetic && samples % 2 === 1)
    throw wrong('samples', samples, 'an even number, as samples are antithetic')
  if (schedule !== 'steps' && milestones.length > 0) {
    throw wrong('milestones', milestones.join(', '), `none with the schedule '${schedule}'`)
  }
  if (schedule === 'steps' && milestones.length === 0) {
    throw wrong('milestones', 'none', "at least one with the schedule 'steps'")
  }
  if (schedule === 'cosine' && warmUpSteps >= steps) {
    throw wrong('warmUpSteps', warmUpSteps, `fewer than the ${steps} steps`)
  }
}

function checkedMilestones(milestones: readonly number[]): readonly number[] {
  const rising = milestones.every(
    (milestone, index) => Number.isInteger(milestone) && milestone > (milestones[index - 1] ?? 0),
  )
  if (!rising) throw wrong('milestones', milestones.join(', '), 'whole numbers > 0 in rising order')
  return [...milestones]
}

function checkedClassWeights(weights: readonly number[]): readonly number[] {
  const usable = weights.every(atLeastZero) && weights.some((weight) => weight > 0)
  if (!usable) throw wrong('classWeights', weights.join(', '), 'numbers ≥ 0, not all of them 0')
  return [...weights]
}

const aboveZero = (value: number): boolean => value > 0 && Number.isFinite(value)
const atLeastZero = (value: number): boolean => value >= 0 && Number.isFinite(value)

function within(name: string, value: number, expected: string, fits: (value: number) => boolean): number {
  if (!fits(value)) throw wrong(name, value, expected)
  return value
}

function oneOf<Value>(name: string, value: Value, values: readonly Value[]): Value {
  if (!values.includes(value)) throw wrong(name, value, values.map((known) => `'${known}'`).join(' or '))
  return value
}

function whole(name: string, value: number, least: number): number {
  return wholeNumber(name, value, { least, most: NO_LIMIT, remedy: 'Correct this training option' })
}

function wrong(name: string, value: unknown, expected: string): ValueError {
  return new ValueError(name, { found: String(value), expected, remedy: 'Correct this training option' })
}
