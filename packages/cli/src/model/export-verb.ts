// stochseg export: a run as an ONNX file, be it finished or not.
import { DataError } from '@stochseg/core'
import type { GraphSampler } from '@stochseg/onnx-adapter'
import type { CommandIo } from '../io'
import { checkpointStore } from '../run-folder/checkpoint-store'
import { readRunRecord } from '../run-folder/run-record'
import { exportRun } from './export-run'

/** Flags of `stochseg export`. */
export interface ExportFlags {
  readonly out: string
  readonly checkpoint: 'best' | 'last'
  readonly opset?: number
  readonly float16?: true
  readonly fixedSize?: readonly number[]
  readonly fixedBatch?: number
  /** True for a sampler whose noise is an input; else the number of samples to draw from the runtime's noise. */
  readonly withSampler?: true | number
  readonly json?: true
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
  const { opset, float16, fixedSize, fixedBatch, withSampler } = flags
  await exportRun(
    flags.out,
    record,
    { weights: checkpoint.state.weights, step: checkpoint.step },
    {
      ...(opset === undefined ? {} : { operatorSet: opset }),
      ...(float16 ? { float16Weights: true } : {}),
      ...(withSampler === undefined ? {} : { sampler: samplerOf(withSampler) }),
      fixed: { batch: fixedBatch, spatial: fixedSize },
    },
  )
  const { out, json } = flags
  const { step } = checkpoint
  io.stdout.write(
    json ? `${JSON.stringify({ out, run: folder, step })}\n` : `${out}: step ${step} of ${folder}\n`,
  )
}

function samplerOf(flag: true | number): GraphSampler {
  return flag === true ? { noise: 'inputs' } : { noise: 'random', samples: flag }
}
