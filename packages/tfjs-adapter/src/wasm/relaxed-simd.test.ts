import { setFlagsFromString } from 'node:v8'
import { expect, it } from 'vitest'
import { backendMatrix } from '../index'
import { kernelBuild } from './kernel-build'

// Node 20 has it behind a flag, which must be up before the backend starts; Node 22 has it as it is.
if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd')

it('is used where the engine has it, and right in every operation', async () => {
  expect(kernelBuild()?.feature).toBe('relaxed SIMD')
  const reports = await backendMatrix({ backend: 'wasm' })
  expect(reports.filter(({ forward, gradient }) => forward !== 'right' || gradient !== 'right')).toEqual([])
})
