import { expect, it, vi } from 'vitest'
import { nativeKernels, pointer, type WasmBackend } from './native'

it('says once that the kernels cannot run, and gives none', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const backend = { wasm: {} } as unknown as WasmBackend
  expect(nativeKernels(backend)).toBeUndefined()
  expect(warn).toHaveBeenCalledTimes(1)
  expect(nativeKernels(backend)).toBeUndefined()
  expect(warn.mock.calls).toEqual([[expect.stringMatching(/out of reach.*slower kernels/)]])
})

it('says so where TF.js found no room for a tensor', () => {
  const backend = { dataIdMap: { get: () => ({ memoryOffset: 0 }) } } as unknown as WasmBackend
  expect(() => pointer(backend, { dataId: {}, shape: [2, 3], dtype: 'float32' })).toThrow(
    /\[2,3\].*smaller batch/,
  )
})
