// One part of doctor's work in a process of its own: what a native library prints, and what it does to its process, stays there.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { CommandIo } from '../io'
import type { Finding } from './finding'
import type { Part } from './part'
import { failedPart, type PartOptions } from './try-part'

/** Tries a part by `program`, this command. A process that dies is a finding. Throws the reason of the signal. */
export async function tryPartInProcess(
  part: Part,
  { matrix }: Pick<PartOptions, 'matrix'>,
  program: string,
  io: CommandIo,
): Promise<Finding[]> {
  const argv = [program, 'doctor', '--only', part, '--json', ...(matrix ? ['--matrix'] : [])]
  const { signal } = io
  const running = promisify(execFile)(process.execPath, argv, { maxBuffer: 2 ** 26 })
  // A process that compiles or computes does not listen to anything milder.
  const kill = (): boolean => running.child.kill('SIGKILL')
  signal.addEventListener('abort', kill)
  try {
    const { stdout, stderr } = await running
    debug(io, stderr)
    return (JSON.parse(stdout) as { readonly findings: Finding[] }).findings
  } catch (error) {
    signal.throwIfAborted()
    const { signal: killedBy, code, stderr = '' } = error as NodeJS.ErrnoException & Ended
    debug(io, stderr)
    const end = killedBy ? `was ended by ${killedBy}` : `ended with ${code ?? error}`
    const lastLine = stderr.trim().split('\n').at(-1)
    return [failedPart(part, `the process that tried it ${end}${lastLine ? `, after: ${lastLine}` : ''}`)]
  } finally {
    signal.removeEventListener('abort', kill)
  }
}

interface Ended {
  readonly signal?: NodeJS.Signals | null
  readonly stderr?: string
}

function debug({ env, stderr }: CommandIo, text: string): void {
  if (env.STOCHSEG_DEBUG !== undefined) stderr.write(text)
}
