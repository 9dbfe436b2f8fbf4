import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../../../../scripts/bundle'
import { softwareWebgpu } from '../../../../scripts/software-webgpu'
import type { OperationReport } from '../backend-matrix'
import { fewSteps } from '../test-programs/few-steps'
import type { LossFinding } from '../test-programs/losses-on-device'

const program = fileURLToPath(new URL('../test-programs/webgpu-in-node.ts', import.meta.url))

interface Findings {
  name: string
  losses: LossFinding[]
  lossOfNaN: number | null
  convolutions: number[][]
  many: boolean
  wrong: OperationReport[]
  steps: Record<2 | 3, number[]>
  leaked: number
  invalid: string
  afterwards: string
}

describe.skipIf(!softwareWebgpu)('training on Dawn, in Node (needs SwiftShader)', () => {
  let found: Findings
  beforeAll(async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [await bundle(program)], {
      env: { ...process.env, ...softwareWebgpu },
    })
    found = JSON.parse(stdout)
  }, 600_000)

  it('names a software adapter', () => {
    expect(found.name).toMatch(/^tfjs webgpu \(SwiftShader .*software\)$/)
  })

  it("has core's loss and gradients, of the same samples", () => {
    expect(found.losses).toHaveLength(5)
    for (const { loss, gradients } of found.losses) {
      expect(loss).toBeLessThan(1e-6)
      for (const difference of gradients) expect(difference).toBeLessThan(1e-5)
    }
    // JSON has no NaN.
    expect(found.lossOfNaN).toBeNull()
  })

  it('convolves in several tiles, and sums in several parts', () => {
    expect(found.convolutions).toHaveLength(3)
    for (const difference of found.convolutions.flat()) expect(difference).toBeLessThan(1e-5)
  })

  it('runs more workgroups than an axis holds', () => {
    expect(found.many).toBe(true)
  })

  it('computes every operation and its gradient rightly', () => {
    expect(found.wrong).toEqual([])
  })

  it.each([2, 3] as const)('learns as wasm does, in %iD', async (dimensions) => {
    const steps = found.steps[dimensions]
    expect(steps.at(-1)).toBeLessThan(0.8 * steps[1]!)
    const { losses } = await fewSteps('wasm', dimensions)
    for (const [step, loss] of steps.entries()) expect(Math.abs(loss / losses[step]! - 1)).toBeLessThan(1e-3)
  })

  it('keeps no tensors', () => {
    expect(found.leaked).toBe(0)
  })

  it('throws what the device refuses, once', () => {
    expect(found.invalid).toMatch(/^RuntimeUnavailableError: .*cannot convert value/)
    expect(found.afterwards).toBe('right')
  })
})
