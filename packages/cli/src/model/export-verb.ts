// stochseg export: a run as an ONNX file, be it finished or not.
import { DataError } from '@stochseg/core'
import type { CommandIo } from '../io'
import { checkpointStore } from '../run-folder/checkpoint-store'
import { readRunRecord } from '../run-folder/run-record'
import { exportRun } from './export-run'

/** Flags of `stochseg export`. */
export interface ExportFlags {
  readonly out: string
  readonly checkpoint: 'best' | 'last'
}

/** Runs the verb. */
export async function exportVerb(folder: string, flags: ExportFlags, io: CommandIo): Promise<void> {
  const record = await readRunRecord(folder)
  const checkpoint = await checkpointStore(folder).load(flags.checkpoint)
  if (!checkpoint) {
    throw new DataError(`'${folder}'`, {
      found: `no checkpoint '${flags.checkpoint}'`,
      expected: 'a run that has come as far as its first checkpoint',
      remedy: 'Let it train longer, or try --checkpoint last',
    })
  }
  await exportRun(flags.out, record, { weights: checkpoint.state.weights, step: checkpoint.step })
  io.stdout.write(`${flags.out}: step ${checkpoint.step} of ${folder}\n`)
}
