import { RuntimeUnavailableError } from '@stochseg/core'
import { afterEach, describe, expect, it, vi } from 'vitest'

afterEach(() => {
  vi.doUnmock('@tensorflow/tfjs-core')
  vi.doUnmock('@tensorflow/tfjs-backend-wasm')
  vi.resetModules()
})

/** As if the package were not installed. */
function withoutPackage(name: string): void {
  vi.resetModules()
  vi.doMock(name, () => {
    throw new Error(`Cannot find package '${name}'`)
  })
}

describe('openBackend', () => {
  it('loads nothing of TF.js before it is called, and says what to install where it is missing', async () => {
    withoutPackage('@tensorflow/tfjs-core')
    const { installWasmTrainingKernels } = await import('./index')
    await expect(installWasmTrainingKernels()).rejects.toMatchObject({
      name: RuntimeUnavailableError.name,
      remedy:
        'Run: npm install @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-layers@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0',
    })
  })

  it('names the missing backend package', async () => {
    withoutPackage('@tensorflow/tfjs-backend-wasm')
    const { openBackend } = await import('./backend')
    await expect(openBackend()).rejects.toThrow(
      /^@tensorflow\/tfjs-backend-wasm: found a package that cannot/,
    )
  })

  it('names the backend, and starts it only once', async () => {
    const { openBackend } = await import('./backend')
    expect(await openBackend({ threads: 2 })).toBe('tfjs wasm (SIMD, 2 threads)')
    expect(await openBackend()).toBe('tfjs wasm (SIMD, 2 threads)')
    expect(await openBackend({ backend: 'cpu' })).toBe('tfjs cpu')
    expect(await openBackend()).toBe('tfjs wasm (SIMD, 2 threads)')
  })
})
