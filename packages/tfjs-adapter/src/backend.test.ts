import { initialWeights, unet } from '@stochseg/backbones'
import { RuntimeUnavailableError, ssnHead } from '@stochseg/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { kernelBuild } from './wasm/kernel-build'

afterEach(() => {
  vi.doUnmock('@tensorflow/tfjs-core')
  vi.doUnmock('@tensorflow/tfjs-backend-wasm')
  vi.doUnmock('./tensorflow/load-tensorflow')
  vi.doUnmock('./webgpu/start-webgpu')
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
  it.each([
    ['wasm', 'tfjs-backend-wasm'],
    ['tensorflow', 'tfjs-node'],
  ])(
    'loads nothing of TF.js before it is called, and says what to install where it is missing: %s',
    async (backend, own) => {
      withoutPackage('@tensorflow/tfjs-core')
      const { backendMatrix } = await import('./index')
      await expect(backendMatrix({ backend })).rejects.toMatchObject({
        name: RuntimeUnavailableError.name,
        remedy: `Run: npm install @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-layers@4.22.0 @tensorflow/${own}@4.22.0`,
      })
    },
  )

  it('names the missing backend package', async () => {
    withoutPackage('@tensorflow/tfjs-backend-wasm')
    const { openBackend } = await import('./backend')
    await expect(openBackend()).rejects.toThrow(
      /^package '@tensorflow\/tfjs-backend-wasm': found not loaded: /,
    )
  })

  // Before it is started: TF.js does so once.
  it.each([
    ['folder', '/no-such-folder/', /none at '\/no-such-folder\/tfjs-backend-wasm-simd.wasm' \(ENOENT/],
    ['URL', 'http://localhost:1/wasm', /none at 'http:\/\/localhost:1\/wasm\/tfjs-backend-wasm-simd.wasm'/],
  ])(
    'says where it looked for the binary, and what wasmPath is, for a wrong %s',
    async (_, wasmPath, message) => {
      const { openBackend } = await import('./backend')
      const opened = openBackend({ wasmPath })
      await expect(opened).rejects.toThrow(message)
      await expect(opened).rejects.toMatchObject({
        name: RuntimeUnavailableError.name,
        remedy: expect.stringContaining('wasmPath'),
      })
    },
  )

  it('names the backend, and starts it only once', async () => {
    const { openBackend } = await import('./backend')
    const wasm = { backend: 'wasm', description: `tfjs wasm (${kernelBuild()?.feature}, 2 threads)` }
    const atOnce = await Promise.all([openBackend({ threads: 2 }), openBackend({ threads: 2 })])
    expect(atOnce).toEqual([wasm, wasm])
    expect(await openBackend()).toEqual(wasm)
    expect(await openBackend({ backend: 'cpu' })).toEqual({ backend: 'cpu', description: 'tfjs cpu' })
    expect(await openBackend()).toEqual(wasm)
  })
})

describe("backend 'auto'", () => {
  async function noTensorflow(): Promise<void> {
    const details = { found: 'no package (as it says)', expected: 'one', remedy: 'Install it' }
    // Modules were reset, and with them the class.
    const { RuntimeUnavailableError } = await import('@stochseg/core')
    throw new RuntimeUnavailableError('@tensorflow/tfjs-node', details)
  }

  /** As if there were no GPU, and TensorFlow loaded like this. (Of two mocks of one module, vitest may take either.) */
  function withSoftwareOnly(loadTensorflow: () => Promise<void>): void {
    vi.resetModules()
    vi.doMock('./tensorflow/load-tensorflow', () => ({ loadTensorflow }))
    vi.doMock('./webgpu/start-webgpu', () => ({
      provideWebgpu: async () => ({ adapter: 'SwiftShader', software: true }),
    }))
  }

  it('takes the first that works, no GPU in software, and says why not the others', async () => {
    withSoftwareOnly(noTensorflow)
    const { openBackend } = await import('./backend')
    const { backend, description } = await openBackend({ backend: 'auto', threads: 2 })
    expect(backend).toBe('wasm')
    expect(description).toMatch(
      /^tfjs wasm \(.*SIMD, 2 threads\); not tensorflow: @tensorflow\/tfjs-node: no package; /,
    )
    expect(description).toMatch(/; not webgpu: no GPU but software, SwiftShader$/)
  })

  it('passes over a backend that starts but has a wrong gradient', async () => {
    withSoftwareOnly(async () => {
      const tf = await import('@tensorflow/tfjs-core')
      const { MathBackendCPU } = await import('@tensorflow/tfjs-backend-cpu')
      tf.registerBackend('tensorflow', () => new MathBackendCPU())
      tf.copyRegisteredKernels('cpu', 'tensorflow')
      tf.unregisterKernel('Conv2DBackpropFilter', 'tensorflow')
    })
    const { createTfjsEngine } = await import('./index')
    const spec = unet({ inputChannels: 1, widths: [2, 3], convolutionsPerLevel: 1 })
    const head = ssnHead({ classes: 2, rank: 1 })
    const weights = initialWeights(spec, head, { seed: 0 })
    const engine = await createTfjsEngine({ spec, head, weights, backend: 'auto', threads: 2 })
    expect(engine.name).toMatch(
      /^tfjs wasm \(.*SIMD, 2 threads\); not tensorflow: gradient of convolution.* on TF.js backend 'tensorflow': .*Conv2DBackpropFilter/,
    )
    engine.dispose()
  })
})
