// run.json: what a run was started with, what network it trains, and how it ended.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type NetworkSpec, networkSpec } from '@stochseg/backbones'
import { DataError, type SsnHead, ssnHead, type Validation } from '@stochseg/core'
import { z } from 'zod'
import { type TrainingConfiguration, trainingConfiguration } from '../training/configuration'
import { writeFileAtomically } from './atomic-write'

/** The content of run.json. */
export interface RunRecord {
  readonly format: 'stochseg.run'
  readonly version: 1
  readonly configuration: TrainingConfiguration
  readonly network: { readonly spec: NetworkSpec; readonly head: SsnHead }
  readonly status: 'training' | 'interrupted' | 'done'
  /** Steps that are done. */
  readonly step: number
  /** Seconds of training, over all its parts. */
  readonly seconds: number
  /** What computed the steps, e.g. `tfjs wasm`. */
  readonly engine: string
  /** Best validation, once the run is done. */
  readonly best?: Validation | undefined
}

const anObject = (value: unknown): boolean => typeof value === 'object' && value !== null

const runRecord: z.ZodType<RunRecord> = z.object({
  format: z.literal('stochseg.run'),
  version: z.literal(1),
  configuration: trainingConfiguration,
  // Checked by networkSpec() and ssnHead() after reading.
  network: z.object({ spec: z.custom<NetworkSpec>(anObject), head: z.custom<SsnHead>(anObject) }),
  status: z.enum(['training', 'interrupted', 'done']),
  step: z.int(),
  seconds: z.number(),
  engine: z.string(),
  best: z.object({ step: z.int(), loss: z.number() }).optional(),
})

/** Writes DIR/run.json. Throws `DataError`. */
export async function writeRunRecord(folder: string, record: RunRecord): Promise<void> {
  await writeFileAtomically(join(folder, 'run.json'), `${JSON.stringify(record, null, 2)}\n`)
}

/** Reads and checks DIR/run.json. Throws `DataError` where there is none, or one of another kind. */
export async function readRunRecord(folder: string): Promise<RunRecord> {
  const path = join(folder, 'run.json')
  try {
    const record = runRecord.parse(JSON.parse(await readFile(path, 'utf8')))
    return {
      ...record,
      network: { spec: networkSpec(record.network.spec), head: ssnHead(record.network.head) },
    }
  } catch (cause) {
    throw new DataError(`'${path}'`, {
      found:
        (cause as NodeJS.ErrnoException).code === 'ENOENT'
          ? 'no such file'
          : `a file that is no run (${cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause)})`,
      expected: 'the record of a run',
      remedy: 'Give the folder that stochseg train wrote with --out',
      cause,
    })
  }
}
