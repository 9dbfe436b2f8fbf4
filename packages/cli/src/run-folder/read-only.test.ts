// A file system that cannot be written to, as Node speaks of it.
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { createFolder } from './atomic-write'

vi.mock('node:fs/promises', async (original) => ({
  ...(await original<typeof import('node:fs/promises')>()),
  mkdir: async (path: string, options?: { readonly recursive?: boolean }) => {
    const there = path === 'disk'
    const code = options?.recursive || path === join('disk', 'a', 'b') ? 'ENOENT' : there ? 'EEXIST' : 'EROFS'
    throw Object.assign(new Error(code), { code })
  },
}))

test.each([join('disk', 'a'), join('disk', 'a', 'b')])(
  'a folder %s that cannot be made says why',
  async (path) => {
    const expected = { found: 'a read-only file system', remedy: 'Choose another folder' }
    await expect(createFolder(path)).rejects.toMatchObject(expected)
  },
)
