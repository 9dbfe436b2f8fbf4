// How far long work has come, on stderr: one line that is redrawn on a terminal, a line now and then in a log.
import type { TextOutput } from './io'

const TERMINAL_INTERVAL = 100
const LOG_INTERVAL = 5000

/** Progress of one piece of work. */
export interface Progress {
  /** Says that `done` of `total` is finished, with a word on how it goes. Cheap: most calls write nothing. */
  update(done: number, total: number, note?: string): void
  /** Writes the last state and ends the line. */
  finish(): void
}

/** Shows the progress of `label` on `output`; `now` (milliseconds) is replaced in tests. */
export function showProgress(
  output: TextOutput,
  label: string,
  now: () => number = () => performance.now(),
): Progress {
  const start = now()
  let written = Number.NEGATIVE_INFINITY
  let pending: string | undefined
  const write = (line: string): void => {
    pending = undefined
    written = now()
    output.write(output.isTTY ? `\r\x1b[2K${line.slice(0, (output.columns ?? 80) - 1)}` : `${line}\n`)
  }
  return {
    update(done, total, note = '') {
      const seconds = (now() - start) / 1000
      const remaining =
        done > 0 && done < total ? `, ${duration((seconds / done) * (total - done))} left` : ''
      pending = `${label} ${done}/${total} (${duration(seconds)}${remaining}) ${note}`.trimEnd()
      if (now() - written >= (output.isTTY ? TERMINAL_INTERVAL : LOG_INTERVAL)) write(pending)
    },
    finish() {
      if (pending !== undefined) write(pending)
      if (output.isTTY && written > Number.NEGATIVE_INFINITY) output.write('\n')
    },
  }
}

/** Seconds for people: `8 s`, `3 min 20 s`, `2 h 05 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`
}
