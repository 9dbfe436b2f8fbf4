// One command line in, one exit code out.
import { StochsegError } from '@stochseg/core'
import { CommanderError } from 'commander'
import type { CommandIo } from './io'
import { stochsegProgram } from './program'

/** Exit codes: 0 done, 1 failed, 2 used wrongly, 130 interrupted. */
export type ExitCode = 0 | 1 | 2 | 130

/**
 * Runs `stochseg <argv…>`. Never throws and never exits: errors go to `io.stderr`, as one line without a stack trace
 * (unless STOCHSEG_DEBUG is set), and the exit code is returned.
 */
export async function run(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  try {
    await stochsegProgram(io).parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (io.signal.aborted && error === io.signal.reason) {
      io.stderr.write('Interrupted.\n')
      return 130
    }
    io.stderr.write(`stochseg: ${describe(error, io.env.STOCHSEG_DEBUG !== undefined)}\n`)
    return 1
  }
}

function describe(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return String(error)
  if (debug) return causes(error).join('\ncaused by ')
  if (error instanceof StochsegError) return error.message
  return `${error.message || error.name} (unexpected; STOCHSEG_DEBUG=1 shows where)`
}

function causes(error: Error): string[] {
  const own = error.stack ?? error.message
  return error.cause instanceof Error ? [own, ...causes(error.cause)] : [own]
}
