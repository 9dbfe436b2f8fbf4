// How many threads the training kernels use. Decided before the backend starts: its memory is then shared, or not.
import { ValueError } from '@stochseg/core'
import { node } from '../node'

let chosen: number | undefined

/** Threads, the calling one included: those chosen, or as many as there are cores. */
export function threadCount(): number {
  if (chosen !== undefined) return chosen
  if (node) return node('node:os').availableParallelism()
  return globalThis.navigator?.hardwareConcurrency ?? 1
}

/** Throws {@link ValueError} unless it is a whole number from 1 to 256. */
export function setThreadCount(threads: number): void {
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= 256)) {
    throw new ValueError('threads', {
      found: String(threads),
      expected: 'a whole number from 1 to 256',
      remedy: 'Choose at most the number of cores',
    })
  }
  chosen = threads
}
