import { expect, it, vi } from 'vitest'
import { nativeKernels, type WasmBackend } from './native'

it('says once that the kernels cannot run, and gives none', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  const backend = { wasm: { asm: { memory } } } as unknown as WasmBackend
  expect(nativeKernels(backend)).toBeUndefined()
  expect(warn).toHaveBeenCalledTimes(1)
  expect(nativeKernels(backend)).toBeUndefined()
  expect(warn.mock.calls).toEqual([[expect.stringMatching(/multi-threaded.*slower kernels/)]])
})
