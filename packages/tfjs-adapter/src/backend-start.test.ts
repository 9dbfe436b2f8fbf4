// Backends that do not start. Apart from others: TF.js does not start a backend again that was removed.
import { afterEach, describe, expect, it, vi } from 'vitest'

afterEach(() => {
  vi.doUnmock('@tensorflow/tfjs-backend-wasm')
  vi.restoreAllMocks()
})

describe('a backend that is not there', () => {
  it('is named with why it does not start', async () => {
    const tf = await import('@tensorflow/tfjs-core')
    const { openBackend } = await import('./backend')
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const factories = {
      throwing: () => {
        throw new Error('no such chip')
      },
      // As TF.js' wasm backend does.
      rejecting: () => Promise.reject({ message: 'no such chip' }),
    }
    for (const [backend, factory] of Object.entries(factories)) {
      tf.registerBackend(backend, factory)
      const opened = openBackend({ backend })
      await expect(opened).rejects.toThrow(`'${backend}': found a backend that does not start (no such chip)`)
      expect(tf.findBackendFactory(backend)).toBe(factory)
    }
    await expect(openBackend({ backend: 'webgl' })).rejects.toThrow(
      /'webgl': found a backend that is not registered \(registered: .*import its package/,
    )
  })

  it('was removed', async () => {
    const { openBackend } = await import('./backend')
    await openBackend()
    const tf = await import('@tensorflow/tfjs-core')
    tf.removeBackend('wasm')
    await expect(openBackend()).rejects.toThrow(/'wasm': found a backend that is not registered.*new process/)
  })

  it('did not start before, which TF.js tries only once', async () => {
    vi.resetModules()
    vi.doMock('@tensorflow/tfjs-backend-wasm', () => ({
      setWasmPaths: () => {
        throw new Error('was already initialized')
      },
    }))
    const { openBackend } = await import('./backend')
    await expect(openBackend()).rejects.toThrow(/'wasm': found a start before this one that failed.*anew/)
  })
})
