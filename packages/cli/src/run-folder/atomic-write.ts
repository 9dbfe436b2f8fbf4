// Files that are either the old or the new one, never half of one.
import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DataError } from '@stochseg/core'

const TEMPORARY = '.stochseg-tmp'

/**
 * Writes `path` through a temporary file beside it that is flushed to the disk and then renamed, so that a crash, a full
 * disk or a kill leaves what was there before. Throws `DataError` when it cannot be written.
 */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}${TEMPORARY}`)
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw unwritable(path, error)
  }
}

/** Removes what writers that were killed left in a folder; nothing may be writing there. */
export async function removeTemporaryFiles(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  const leftOver = names.filter((name) => name.startsWith('.') && name.endsWith(TEMPORARY))
  await Promise.all(leftOver.map((name) => rm(join(folder, name), { force: true })))
}

/** Creates a folder and those above it. Throws `DataError` when it cannot. */
export async function createFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw unwritable(path, code === 'ENOENT' ? await refusalOf(path) : error)
  }
}

/** Why a folder cannot be created: of a read-only file system, Node's recursive mkdir says that there is no such folder. */
async function refusalOf(path: string): Promise<unknown> {
  const error = await mkdir(path).catch((cause: NodeJS.ErrnoException) => cause)
  const above = dirname(path)
  return error?.code === 'ENOENT' && above !== path ? refusalOf(above) : error
}

function unwritable(path: string, cause: unknown): DataError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? String(cause)
  const [found, remedy] = reasons[code] ?? [code, 'Check the folder']
  return new DataError(`'${path}'`, { found, expected: 'a place to write', remedy, cause })
}

const reasons: Readonly<Record<string, readonly [found: string, remedy: string]>> = {
  ENOSPC: ['a full disk', 'Free some space; what was there before is untouched'],
  EFBIG: ['a limit on the size of files', 'Raise it (ulimit -f); what was there before is untouched'],
  EDQUOT: ['a quota that is used up', 'Free some space; what was there before is untouched'],
  EACCES: ['no permission', 'Choose another folder or change its permissions'],
  EPERM: ['no permission', 'Choose another folder or change its permissions'],
  EROFS: ['a read-only file system', 'Choose another folder'],
  ENOTDIR: ['a file where a folder should be', 'Choose another folder'],
  EEXIST: ['a file where a folder should be', 'Choose another folder'],
  EISDIR: ['a folder where a file should be', 'Choose another file name'],
  ENOENT: ['no such folder', 'Create it first'],
}
