// metrics.ndjson: what training reported, one JSON object a line, in the order of the steps.
import { appendFileSync, closeSync, fsyncSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { DataError, type StepReport, type ValidationReport } from '@stochseg/core'
import { writeFileAtomically } from './atomic-write'

/** One line of metrics.ndjson: what the Trainer reported, and the seconds of training until then. */
export type MetricsRecord =
  | (StepReport & { readonly event: 'step'; readonly seconds: number })
  | (ValidationReport & { readonly event: 'validation'; readonly seconds: number })

/** A metrics file that is open for appending. */
export interface MetricsLog {
  append(record: MetricsRecord): void
  close(): void
}

/** Opens a metrics file, dropping the records after `lastStep`: a resumed run writes those again. Throws `DataError`. */
export async function openMetricsLog(path: string, lastStep: number): Promise<MetricsLog> {
  const kept = (await readMetrics(path)).filter((record) => record.step <= lastStep)
  await writeFileAtomically(path, kept.map(line).join(''))
  const file = openSync(path, 'a')
  return {
    append(record) {
      try {
        // Unlike writeSync, it does not stop halfway where a disk is almost full.
        appendFileSync(file, line(record))
      } catch (cause) {
        throw new DataError(`'${path}'`, {
          found: String((cause as NodeJS.ErrnoException).code ?? cause),
          expected: 'a file to append to',
          remedy: 'Free some space and go on with --resume',
          cause,
        })
      }
    },
    close() {
      fsyncSync(file)
      closeSync(file)
    },
  }
}

/**
 * The records of a metrics file, none when there is no file. A last line that a crash cut off is left out. Throws `DataError`
 * for a file that cannot be read, and for any other line that is no record.
 */
export async function readMetrics(path: string): Promise<MetricsRecord[]> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return ''
    throw new DataError(`'${path}'`, {
      found: String(cause.code ?? cause),
      expected: 'a file that can be read',
      remedy: 'Check its permissions',
      cause,
    })
  })
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .flatMap((entry, index) => (entry === '' ? [] : [recordOf(entry, `line ${index + 1} of '${path}'`)]))
}

function recordOf(entry: string, subject: string): MetricsRecord {
  try {
    const record: unknown = JSON.parse(entry)
    if (typeof (record as MetricsRecord).step === 'number') return record as MetricsRecord
    throw new Error('no step')
  } catch (cause) {
    throw new DataError(subject, {
      found: 'no record of a step or validation',
      expected: 'JSON as stochseg train writes it',
      remedy: 'Remove the line: nothing but the loss curve depends on it',
      cause,
    })
  }
}

function line(record: MetricsRecord): string {
  return `${JSON.stringify(record)}\n`
}
