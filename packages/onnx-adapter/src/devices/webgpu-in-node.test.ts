import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { bundle } from '../../../../scripts/bundle'
import { softwareWebgpu } from '../../../../scripts/software-webgpu'

const program = fileURLToPath(new URL('../test-programs/webgpu-in-node.ts', import.meta.url))

// In software, a shader takes seconds to compile.
vi.setConfig({ testTimeout: 180_000 })

describe.skipIf(!softwareWebgpu)("Node's WebGPU provider (needs SwiftShader)", () => {
  it('computes what the CPU does, with what it has no operators for rewritten or on the CPU', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [await bundle(program)], {
      env: { ...process.env, ...softwareWebgpu },
    })
    const findings = JSON.parse(stdout)
    expect(Object.keys(findings)).toHaveLength(4)
    for (const { device, differenceToCpu } of Object.values<Record<string, unknown>>(findings)) {
      expect(device).toBe('webgpu')
      expect(differenceToCpu).toBeLessThan(1e-5)
    }
    const nothing = { rewritten: [], onCpu: [] }
    expect(findings['every operation in 2D'].placement).toEqual(nothing)
    expect(findings['every operation in 3D'].placement).toEqual({ rewritten: ['b.transposed'], onCpu: [] })
    expect(findings['a deterministic U-Net in 3D'].placement).toEqual({
      rewritten: ['up0.upsample'],
      onCpu: [],
    })
    expect(findings['grouped convolutions in 3D'].placement).toEqual({
      rewritten: [],
      onCpu: ['grouped', 'overlapping'],
    })
  })
})
