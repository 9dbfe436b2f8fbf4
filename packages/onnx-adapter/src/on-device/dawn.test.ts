import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../../../../scripts/bundle'
import { softwareWebgpu } from '../../../../scripts/software-webgpu'
import type { SamplingFinding } from '../test-programs/sampling-cases'

const program = fileURLToPath(new URL('../test-programs/sampling-with-dawn.ts', import.meta.url))

describe.skipIf(!softwareWebgpu)('sampling on Dawn, in Node (needs SwiftShader)', () => {
  let found: { findings: SamplingFinding[]; errors: Record<string, string>; uncaptured: string[] }
  beforeAll(async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [await bundle(program)], {
      env: { ...process.env, ...softwareWebgpu },
    })
    found = JSON.parse(stdout)
  }, 120_000)

  it("gives core's labels but at float ties, and its marginals to float rounding", () => {
    expect(found.findings).toHaveLength(7)
    for (const { labels, different, foreground, probabilities, entropy } of found.findings) {
      expect(different).toBeLessThan(Math.max(1e-5 * labels, 1))
      expect(foreground).toBeGreaterThan(0.3)
      expect(probabilities).toBeLessThan(2e-6)
      expect(entropy).toBeLessThan(2e-6)
    }
  })

  it('gives typed errors, and none that nobody catches', () => {
    expect(found.errors).toEqual({
      seed: expect.stringMatching(/^ValueError: seed/),
      samples: expect.stringMatching(/^ValueError: samples/),
      scale: expect.stringMatching(/^ShapeError: classScale/),
      roi: expect.stringMatching(/^ShapeError: roi/),
      buffer: expect.stringMatching(/^ValueError: mean on the device/),
      aborted: 'Error: before',
      wgsl: expect.stringMatching(/^RuntimeUnavailableError: .*cannot convert value/),
      tooLong: expect.stringMatching(/^OutOfMemoryError/),
      destroyed: expect.stringMatching(/^RuntimeUnavailableError: .*lost/),
    })
    expect(found.uncaptured).toEqual([])
  })
})
