import { afterEach, expect, it, vi } from 'vitest'
import * as withKernels from '../sampling/sample-label-maps'

const size = { batch: 1, classes: 3, rank: 2, spatial: [40] }
const distribution = {
  ...size,
  mean: Float32Array.from({ length: 120 }, (_, index) => Math.sin(index)),
  factor: Float32Array.from({ length: 240 }, (_, index) => Math.cos(index)),
  diagonal: new Float32Array(120).fill(1),
}

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  vi.resetModules()
})

it.each([
  ['WebAssembly', undefined],
  [
    'its SIMD',
    {
      Module: class {
        constructor() {
          throw new WebAssembly.CompileError('invalid value type')
        }
      },
    },
  ],
])('without %s, samples are the same, and it is said once', async (_, replacement) => {
  const expected = withKernels.sampleLabelMaps(distribution, { samples: 9, seed: 1 })
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  vi.resetModules()
  const { CompileError } = WebAssembly
  vi.stubGlobal('WebAssembly', replacement && { ...replacement, CompileError })
  const without = await import('../sampling/sample-label-maps')
  expect(without.sampleLabelMaps(distribution, { samples: 9, seed: 1 })).toEqual(expected)
  expect(await without.sampleLabelMapsAsync(distribution, { samples: 9, seed: 1 })).toEqual(expected)
  expect(warn).toHaveBeenCalledOnce()
  expect(String(warn.mock.calls[0])).toContain('no WebAssembly SIMD here')
})
