// What a training run is made from: flags and the configuration file have the same keys, ranges and defaults.
import { readFile } from 'node:fs/promises'
import {
  DataError,
  type HeadKind,
  type OptimizerOptions,
  type RequestedTrainingOptions,
  ValueError,
} from '@stochseg/core'
import {
  type AugmentationOptions,
  augmentationOptions,
  bratsAugmentation,
  lidcAugmentation,
  type NiftiLayout,
  niftiLayout,
} from '@stochseg/data'
import { z } from 'zod'
import { BACKENDS, DATA_HELP } from '../commands/help'

/** Options of the Trainer that are its own default unless given; it checks their ranges. */
type TrainerOptions = Pick<
  RequestedTrainingOptions,
  | 'antithetic'
  | 'meanLossWeight'
  | 'diagonalLossWeight'
  | 'classWeights'
  | 'milestones'
  | 'decayFactor'
  | 'warmUpSteps'
  | 'gradientClip'
  | 'averageDecay'
  | 'patience'
  | 'onBadCase'
>

/** Everything that a run's result depends on, beside the data themselves. */
export interface TrainingConfiguration extends TrainerOptions {
  /** HDF5 file, folder of NIfTI patients or of PNGs, or `generated`. */
  readonly data: string
  /** Label values of the data, background included; unless given, what the data say, else 2. */
  readonly classes?: number | undefined
  /** Which file of a NIfTI patient is what, where neither the folder says it nor the files' names do. */
  readonly layout?: NiftiLayout | undefined
  /** Train on patches of this size, e.g. `[98, 98, 98]`; otherwise on whole images. */
  readonly patchSize?: readonly number[] | undefined
  /** Share of the patches that are centred on the foreground. */
  readonly patchForeground: number
  /** Patches of each image in an epoch, and in a validation. */
  readonly patchesPerCase: number
  /** Changes that a training case goes through first: the authors' by a name, or any. */
  readonly augmentation?: keyof typeof AUGMENTATIONS | AugmentationOptions | undefined
  /** A built-in backbone, or a package (or file, from `.` or `/` on) whose default export is one. */
  readonly backbone: string
  /** The backbone's own options. */
  readonly backboneOptions: Readonly<Record<string, unknown>>
  /** The backbone's option `widths`, e.g. the channels of each level of `unet`. */
  readonly widths?: readonly number[] | undefined
  readonly head: HeadKind
  /** Columns of the low-rank head's factor. */
  readonly rank: number
  /** Where the log-diagonal starts: −8, so that low-rank samples are coherent early; 0 where it is all the noise. */
  readonly logDiagonalBias: number
  /** Multiplies the factor's first weights, to the same end; the authors' is 1. */
  readonly factorScale: number
  readonly steps: number
  /** Steps of the first phase, which trains the mean alone; a tenth of all unless given. */
  readonly meanSteps: number
  readonly batchSize: number
  /** Monte-Carlo samples of the loss. */
  readonly samples: number
  readonly learningRate: number
  /** Adam unless given; by its name, or with its options, e.g. `{ "name": "rmsProp", "momentum": 0.6 }`. */
  readonly optimizer?: OptimizerOptions['name'] | OptimizerOptions | undefined
  /** `cosine` falls from the learning rate to 0 over all steps; `steps` by `decayFactor` at each of `milestones`. */
  readonly schedule: 'constant' | 'cosine' | 'steps'
  readonly seed: number
  /** Steps between validations; each also saves a checkpoint to go on from. */
  readonly validateEvery: number
  /** Validate on at most so many cases, evenly spread over the split. */
  readonly validationCases: number
  /** Time budget; reaching it is an end like any other. */
  readonly minutes?: number | undefined
  /** TF.js backend. */
  readonly backend: string
}

/** Augmentations that have a name. */
export const AUGMENTATIONS: Readonly<Record<'lidc' | 'brats', AugmentationOptions>> = {
  lidc: lidcAugmentation,
  brats: bratsAugmentation,
}

/** What may be given: all but `data` has a default. */
export type PartialConfiguration = Partial<TrainingConfiguration>

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const STEPS = 5000
const positiveInteger = z.int().min(1)
const wholeNumber = z.int().min(0)

/** The ranges and defaults of a configuration; unknown keys are refused. */
export const trainingConfiguration: z.ZodType<TrainingConfiguration> = z.strictObject({
  data: z.string(`--data: ${DATA_HELP}`).min(1),
  classes: z.int().min(2).max(256).optional(),
  layout: z
    .custom<NiftiLayout>(isObject, 'an object with channels, labels and more')
    .transform(niftiLayout)
    .optional(),
  patchSize: z.array(positiveInteger).min(2).max(3).optional(),
  patchForeground: z.number().min(0).max(1).default(0.5),
  patchesPerCase: positiveInteger.default(20),
  augmentation: z
    .union(
      [z.enum(['lidc', 'brats']), z.custom<AugmentationOptions>(isObject).transform(augmentationOptions)],
      "'lidc', 'brats' or an object with kinds of change",
    )
    .optional(),
  backbone: z.string().min(1).default('unet'),
  backboneOptions: z.record(z.string(), z.unknown(), 'an object').default({}),
  widths: z.array(positiveInteger).min(1).optional(),
  head: z.enum(['low-rank', 'diagonal', 'deterministic']).default('low-rank'),
  rank: positiveInteger.default(10),
  logDiagonalBias: z.number(),
  factorScale: z.number().positive().default(0.3),
  steps: positiveInteger.default(STEPS),
  meanSteps: wholeNumber,
  batchSize: positiveInteger.default(8),
  samples: positiveInteger.default(20),
  learningRate: z.number().positive().default(1e-3),
  optimizer: z
    .union(
      [z.enum(['adam', 'adamW', 'rmsProp']), z.custom<OptimizerOptions>(isObject)],
      "'adam', 'adamW', 'rmsProp' or an object with one of these as its name",
    )
    .optional(),
  schedule: z.enum(['constant', 'cosine', 'steps']).default('constant'),
  milestones: z.array(positiveInteger).optional(),
  decayFactor: z.number().optional(),
  warmUpSteps: wholeNumber.optional(),
  antithetic: z.boolean().optional(),
  meanLossWeight: z.number().optional(),
  diagonalLossWeight: z.number().optional(),
  classWeights: z.array(z.number()).optional(),
  gradientClip: z.number().optional(),
  averageDecay: z.number().optional(),
  patience: positiveInteger.optional(),
  onBadCase: z.enum(['stop', 'skip']).optional(),
  seed: wholeNumber.default(0),
  validateEvery: positiveInteger.default(500),
  validationCases: positiveInteger.default(200),
  minutes: z.number().positive().optional(),
  backend: z.enum(BACKENDS).default('wasm'),
})

/** Keys that may change when a run is resumed: they do not alter the steps that were done. */
const RESUMABLE = new Set<string>([
  ...['data', 'steps', 'minutes', 'backend', 'validateEvery', 'validationCases', 'patience', 'onBadCase'],
])

/** Keys of the network and of the optimiser's state: these never change. */
const FIXED = new Set<string>([
  ...['backbone', 'backboneOptions', 'widths', 'head', 'rank', 'classes', 'optimizer'],
  ...['logDiagonalBias', 'factorScale'],
])

/** Checks a configuration and fills in the defaults. Throws `ValueError` that names the first wrong key. */
export function parseConfiguration(given: PartialConfiguration): TrainingConfiguration {
  const logDiagonalBias = given.head === 'diagonal' ? 0 : -8
  const meanSteps = Math.floor((given.steps ?? STEPS) / 10)
  const result = trainingConfiguration.safeParse({ logDiagonalBias, meanSteps, ...given })
  if (result.success) return checkBudget(result.data)
  const issue = result.error.issues[0]!
  if (issue.code === 'unrecognized_keys') throw unknownKeys(issue.keys)
  const key = issue.path.join('.')
  const value = (given as Record<string, unknown>)[String(issue.path[0])]
  throw new ValueError(key === '' ? 'configuration' : `configuration '${key}'`, {
    found: value === undefined ? 'nothing' : JSON.stringify(value),
    expected: issue.message.replace(
      /^(Invalid input|Invalid option|Too small|Too big): expected |, received .*/g,
      '',
    ),
    remedy: 'See stochseg train --help',
  })
}

function unknownKeys(keys: readonly string[]): ValueError {
  return new ValueError('configuration', {
    found: `the unknown ${keys.length === 1 ? 'key' : 'keys'} ${keys.map((key) => `'${key}'`).join(', ')}`,
    expected: "flags of stochseg train in camel case, e.g. 'batchSize'",
    remedy: 'See stochseg train --help',
  })
}

/** A cosine must know its end, and a time budget moves it. */
function checkBudget(configuration: TrainingConfiguration): TrainingConfiguration {
  if (configuration.minutes === undefined || configuration.schedule !== 'cosine') return configuration
  throw new ValueError("configuration 'minutes'", {
    found: `${configuration.minutes} with the schedule '${configuration.schedule}'`,
    expected: "a time budget only with the schedule 'constant' or 'steps'",
    remedy: 'Leave out minutes and give the number of steps',
  })
}

/** Reads a configuration file: a JSON object with some of the keys. Throws `DataError`. */
export async function readConfiguration(path: string): Promise<PartialConfiguration> {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed
    throw new Error('not an object')
  } catch (cause) {
    throw new DataError(`configuration '${path}'`, {
      found: cause instanceof Error ? cause.message : String(cause),
      expected: 'a JSON file with an object',
      remedy: 'Its keys are the flags of stochseg train in camel case, e.g. {"batchSize": 8}',
      cause,
    })
  }
}

/**
 * The configuration of a run that goes on: as it began, but for the keys that do not alter what was done.
 * With `change`, all may alter that the network does not hang on. Throws `ValueError` when another key differs.
 */
export function resumedConfiguration(
  begun: TrainingConfiguration,
  given: PartialConfiguration,
  { change = false }: { readonly change?: boolean | undefined } = {},
): TrainingConfiguration {
  const mayDiffer = (key: string): boolean => (change ? !FIXED.has(key) : RESUMABLE.has(key))
  for (const [key, value] of Object.entries(given)) {
    const before = begun[key as keyof TrainingConfiguration]
    if (!mayDiffer(key) && JSON.stringify(value) !== JSON.stringify(before)) {
      throw new ValueError(`configuration '${key}'`, {
        found: JSON.stringify(value),
        expected: `${JSON.stringify(before)}, with which the run began`,
        remedy: FIXED.has(key)
          ? 'Leave it out, or start another run'
          : `Leave it out, give --change, or start another run; ${[...RESUMABLE].join(', ')} may change`,
      })
    }
  }
  const leavesSteps = given.schedule !== undefined && given.schedule !== 'steps'
  const kept = leavesSteps ? { ...begun, milestones: undefined, decayFactor: undefined } : begun
  return parseConfiguration({ ...kept, ...given })
}
