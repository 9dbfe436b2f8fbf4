// A terminal for tests: what verbs write is kept, and Ctrl-C is a function call.
import type { CommandIo } from './io'
import { type ExitCode, run } from './run'

/** What a command line came to. */
export interface Recorded {
  readonly code: ExitCode
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line in this process. `onProgress` sees what goes to stderr and may interrupt, as Ctrl-C does. */
export async function runRecorded(
  argv: readonly string[],
  onProgress: (text: string, interrupt: () => void) => void = () => {},
): Promise<Recorded> {
  const controller = new AbortController()
  const written = { stdout: '', stderr: '' }
  const io: CommandIo = {
    stdout: {
      write: (text) => {
        written.stdout += text
      },
    },
    stderr: {
      write: (text) => {
        written.stderr += text
        onProgress(text, () => controller.abort(new DOMException('interrupted', 'AbortError')))
      },
    },
    signal: controller.signal,
    env: {},
  }
  return { code: await run(argv, io), ...written }
}
