import { expect, it, vi } from 'vitest'
import { nativeKernels, pointer, type WasmBackend, withScratch } from './native'

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

it('gives scratch back, also where it is not enough or its use throws', () => {
  const held = new Set<object>()
  const backend = {
    makeOutput: ([length]: number[]) => {
      const dataId = { memoryOffset: length! > 100 ? 0 : 8 }
      held.add(dataId)
      return { dataId }
    },
    dataIdMap: { get: (dataId: object) => dataId },
    disposeData: (dataId: object) => held.delete(dataId),
  } as unknown as WasmBackend
  expect(() => withScratch(backend, [1, 1000], () => expect.unreachable())).toThrow(/smaller batch/)
  const use = (): void => {
    expect(held.size).toBe(2)
    throw new Error('a kernel trapped')
  }
  expect(() => withScratch(backend, [1, 1], use)).toThrow(/trapped/)
  expect(held.size).toBe(0)
})
