// Where neither TF.js nor our kernels have SIMD: compositions of TF.js' operations take over.
import '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { expect, it, vi } from 'vitest'
import { openBackend } from '../backend'
import { backendMatrix } from '../index'

vi.mock('./kernel-build', () => ({ kernelBuild: () => undefined }))

it('computes every operation rightly, and says once that it is slower', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  tf.env().set('WASM_HAS_SIMD_SUPPORT', false)
  expect(await openBackend()).toEqual({ backend: 'wasm', description: 'tfjs wasm' })
  const reports = await backendMatrix()
  expect(reports.length).toBeGreaterThan(50)
  expect(reports.filter(({ forward, gradient }) => forward !== 'right' || gradient !== 'right')).toEqual([])
  expect(warn.mock.calls).toEqual([[expect.stringMatching(/no WebAssembly SIMD here.*slower kernels/)]])
})
