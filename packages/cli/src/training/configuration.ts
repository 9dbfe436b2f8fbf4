// What a training run is made from: flags and the configuration file have the same keys, ranges and defaults.
import { readFile } from 'node:fs/promises'
import { DataError, ValueError } from '@stochseg/core'
import { z } from 'zod'

const positiveInteger = z.int().min(1)
const wholeNumber = z.int().min(0)

/** Everything that a run's result depends on, beside the data themselves. */
export const trainingConfiguration = z.strictObject({
  /** HDF5 file, folder of PNGs, or `generated`. */
  data: z.string().min(1),
  backbone: z.enum(['unet', 'unet-lidc']).default('unet'),
  /** Channels of each level of `unet`. */
  widths: z.array(positiveInteger).min(1).default([16, 32, 64]),
  head: z.enum(['low-rank', 'diagonal', 'deterministic']).default('low-rank'),
  rank: positiveInteger.default(10),
  steps: positiveInteger.default(5000),
  /** Steps of the first phase, which trains the mean alone. */
  meanSteps: wholeNumber.default(500),
  batchSize: positiveInteger.default(8),
  /** Monte-Carlo samples of the loss. */
  samples: positiveInteger.default(20),
  learningRate: z.number().positive().default(1e-3),
  seed: wholeNumber.default(0),
  /** Steps between validations, which also write a checkpoint. */
  validateEvery: positiveInteger.default(500),
  /** Time budget; reaching it is an end like any other. */
  minutes: z.number().positive().optional(),
  backend: z.string().min(1).default('wasm'),
})

/** A checked configuration with its defaults filled in. */
export type TrainingConfiguration = z.output<typeof trainingConfiguration>

/** What may be given: every key may be missing. */
export type PartialConfiguration = Partial<z.input<typeof trainingConfiguration>>

/** Keys that may change when a run is resumed: they do not alter the steps that were done. */
const RESUMABLE = new Set<string>(['data', 'steps', 'minutes', 'backend'])

/** Checks a configuration and fills in the defaults. Throws `ValueError` that names the first wrong key. */
export function parseConfiguration(given: PartialConfiguration): TrainingConfiguration {
  const result = trainingConfiguration.safeParse(given)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const key = issue.path.join('.')
  const value = (given as Record<string, unknown>)[String(issue.path[0])]
  throw new ValueError(key === '' ? 'configuration' : `configuration '${key}'`, {
    found: value === undefined ? (key === '' ? 'a wrong key' : 'nothing') : JSON.stringify(value),
    expected: issue.message.replace(/^(Invalid input|Too small|Too big|Unrecognized key): /, ''),
    remedy: 'See stochseg train --help',
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
 * Throws `ValueError` when another key differs.
 */
export function resumedConfiguration(
  begun: TrainingConfiguration,
  given: PartialConfiguration,
): TrainingConfiguration {
  for (const [key, value] of Object.entries(given)) {
    const before = begun[key as keyof TrainingConfiguration]
    if (!RESUMABLE.has(key) && JSON.stringify(value) !== JSON.stringify(before)) {
      throw new ValueError(`configuration '${key}'`, {
        found: JSON.stringify(value),
        expected: `${JSON.stringify(before)}, with which the run began`,
        remedy: `Leave it out, or start another run; ${[...RESUMABLE].join(', ')} may change`,
      })
    }
  }
  return parseConfiguration({ ...begun, ...given })
}
