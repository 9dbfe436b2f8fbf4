import { expect, it, vi } from 'vitest'
import { nativeKernels, type WasmBackend } from './native'

it('says once that the kernels cannot run, and gives none', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const backend = { wasm: {} } as unknown as WasmBackend
  expect(nativeKernels(backend)).toBeUndefined()
  expect(warn).toHaveBeenCalledTimes(1)
  expect(nativeKernels(backend)).toBeUndefined()
  expect(warn.mock.calls).toEqual([[expect.stringMatching(/out of reach.*slower kernels/)]])
})
