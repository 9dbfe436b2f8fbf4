// Which of TF.js' backends are tried, in which order, and what the log says of those that did not work.
import { RuntimeUnavailableError } from '@stochseg/core'
import { node } from './node'

/** The backends to try for a choice, best first. TensorFlow itself is for Node. */
export function backendsToTry(choice = 'wasm'): readonly string[] {
  if (choice !== 'auto') return [choice]
  return node ? ['tensorflow', 'webgpu', 'wasm'] : ['webgpu', 'wasm']
}

/**
 * What `open` gives for the first backend that works. `remarks` says why not the ones before, e.g. `; not webgpu: no adapter`.
 *
 * Throws what the last one failed with, and at once whatever is no `RuntimeUnavailableError`.
 */
export async function firstThatWorks<Result>(
  backends: readonly string[],
  open: (backend: string, remarks: string) => Promise<Result>,
): Promise<Result> {
  let remarks = ''
  for (const backend of backends) {
    try {
      return await open(backend, remarks)
    } catch (error) {
      if (backend === backends.at(-1) || !(error instanceof RuntimeUnavailableError)) throw error
      remarks += `; not ${backend}: ${shortly(error, backend)}`
    }
  }
  throw new TypeError('no backend to try')
}

/** Without what stands in brackets: `stochseg doctor` tells it all. */
function shortly({ subject, found }: RuntimeUnavailableError, backend: string): string {
  const reason = found.replace(/ \(.*/s, '')
  return subject.toLowerCase() === backend ? reason : `${subject}: ${reason}`
}
