import { expect, it } from 'vitest'
import { notLoaded } from './not-loaded'

const notFound = (name: string): Error =>
  Object.assign(new Error(`Cannot find package '${name}' imported from /some/where.js\n  more`), {
    code: 'ERR_MODULE_NOT_FOUND',
  })

it('tells a package that is not there from one that fails', () => {
  expect(notLoaded('webgpu', notFound('webgpu'))).toBe('not installed')
  // One that it imports itself is not there.
  expect(notLoaded('webgpu', notFound('bindings'))).toBe(
    "not loaded: Cannot find package 'bindings' imported from /some/where.js",
  )
  expect(notLoaded('webgpu', new Error('invalid ELF header.'))).toBe('not loaded: invalid ELF header')
  expect(notLoaded('webgpu', 'no')).toBe('not loaded: no')
})
