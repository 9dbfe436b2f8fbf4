// Where tests find the reference data: `STOCHSEG_DATA`, otherwise `shared/data` beside the repository.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root: string = process.env.STOCHSEG_DATA ?? fileURLToPath(new URL('../../shared/data', import.meta.url))

/** The absolute path of a reference file or folder; nothing where it is not present. */
export function referenceData(path: string): string | undefined {
  const absolute = join(root, path)
  return existsSync(absolute) ? absolute : undefined
}
