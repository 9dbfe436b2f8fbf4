import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DataError } from '@stochseg/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFolder, writeFileAtomically } from './atomic-write'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('replaces a file and leaves nothing else', async () => {
  await writeFileAtomically(join(folder, 'a'), 'old')
  await writeFileAtomically(join(folder, 'a'), Uint8Array.of(110, 101, 119))
  expect(await readFile(join(folder, 'a'), 'utf8')).toBe('new')
  expect(await readdir(folder)).toEqual(['a'])
})

test('a failed write leaves the old content and no temporary file', async () => {
  await writeFile(join(folder, 'a'), 'old')
  const failing = { toString: () => 'x' } as unknown as string // the temporary file opens, then writing throws
  await expect(writeFileAtomically(join(folder, 'a'), failing)).rejects.toThrow(DataError)
  expect(await readFile(join(folder, 'a'), 'utf8')).toBe('old')
  expect(await readdir(folder)).toEqual(['a'])
})

test('a file in place of a folder is a DataError that says so', async () => {
  await writeFile(join(folder, 'a'), '')
  const expected = { name: 'DataError', found: 'a file where a folder should be' }
  await expect(createFolder(join(folder, 'a'))).rejects.toMatchObject(expected)
  await expect(createFolder(join(folder, 'a', 'b'))).rejects.toMatchObject(expected)
  await expect(writeFileAtomically(join(folder, 'a', 'b'), '')).rejects.toMatchObject(expected)
})
