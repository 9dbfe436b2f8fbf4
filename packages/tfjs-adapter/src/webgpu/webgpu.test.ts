import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../../../../scripts/bundle'
import { softwareWebgpu } from '../../../../scripts/software-webgpu'
import type { OperationReport } from '../backend-matrix'
import type { Crossing, EngineFindings } from '../test-programs/engine-on-device'
import { fewSteps } from '../test-programs/few-steps'
import { FIRST_VOXEL } from '../test-programs/first-voxel'
import type { LossFinding } from '../test-programs/losses-on-device'
import type { RefusedUpdates, UpdateFinding } from '../test-programs/updates-on-device'

const program = fileURLToPath(new URL('../test-programs/webgpu-in-node.ts', import.meta.url))

interface Findings {
  name: string
  losses: LossFinding[]
  lossOfNaN: number | null
  convolutions: number[][]
  many: boolean
  wrong: OperationReport[]
  sameMask: boolean
  firstVoxel: typeof FIRST_VOXEL
  steps: Record<2 | 3, number[]>
  leaked: number
  invalid: string
  tooLarge: string
  afterwards: string
  updates: UpdateFinding[]
  refused: RefusedUpdates
  engine: EngineFindings
  crossings: Crossing[]
  lost: string[]
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

  it('draws the masks of dropout that other backends draw', () => {
    expect(found.sameMask).toBe(true)
  })

  it('begins with the first voxel where a stride exceeds the window of a volume', () => {
    expect(found.firstVoxel).toEqual(FIRST_VOXEL)
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

  it('says of an array that the device does not take that it is too large', () => {
    expect(found.tooLarge).toMatch(/^OutOfMemoryError: .*size.*Choose smaller batches/s)
  })

  it('says of a lost device that it is lost, however often it is asked', () => {
    expect(found.lost).toHaveLength(3)
    for (const outcome of found.lost)
      expect(outcome).toMatch(/^RuntimeUnavailableError: .*device that is lost/)
  })

  it("moves weights, moments and averages as core's optimisers do, gradients shortened", () => {
    expect(found.updates).toHaveLength(6)
    for (const { norm, values, moments, averages, counts } of found.updates) {
      expect(norm).toBeLessThan(1e-6)
      expect(values).toBeLessThan(1e-6)
      expect(moments).toBeLessThan(1e-6)
      expect(averages).toBeLessThan(1e-6)
      expect(counts).toBe(true)
    }
  })

  it('moves nothing where gradient or image is not finite, or the device refuses something', () => {
    // JSON has no infinity and no NaN.
    const error = 'RuntimeUnavailableError'
    expect(found.refused).toEqual({ norm: null, error, untouched: [true, true] })
    expect(found.engine).toMatchObject({ lossOfNaN: null, untouched: true })
  })

  it('predicts by the averages, and trains on by the weights under them', () => {
    const [byExport, without] = found.engine.predictions
    expect(byExport).toBe(0)
    expect(without).toBeGreaterThan(1e-2)
    expect(found.engine.disturbed).toBe(false)
  })

  it('reads two numbers a step, takes no more memory from step to step, and leaves none', () => {
    expect(found.engine.reads).toEqual([2])
    expect(found.engine.grown).toEqual([0, 0, 0])
    expect(found.engine.left).toBe(0)
  })

  it('goes on bit for bit where it stopped, and nearly so where another backend did, and the other way round', () => {
    const [resumed, ...crossed] = found.crossings
    const nothing = { prediction: 0, loss: 0, norm: 0, weights: 0, optimizer: 0 }
    expect(resumed).toEqual({ from: 'webgpu', to: 'webgpu', ...nothing })
    expect(crossed.map(({ from, to }) => [from, to])).toEqual([
      ['webgpu', 'wasm'],
      ['wasm', 'webgpu'],
    ])
    for (const { prediction, loss, norm, weights, optimizer } of crossed) {
      for (const difference of [prediction, loss, norm, weights, optimizer]) {
        expect(difference).toBeLessThan(2e-5)
      }
    }
  })
})
