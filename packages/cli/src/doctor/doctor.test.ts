import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { initialWeights, unet } from '@stochseg/backbones'
import { ssnHead } from '@stochseg/core'
import { exportOnnx } from '@stochseg/onnx-adapter'
import { describe, expect, test } from 'vitest'
import { softwareWebgpu } from '../../../../scripts/software-webgpu'
import { runRecorded } from '../recorded-io'
import type { Finding } from './finding'

const findingsOf = (stdout: string): Finding[] => JSON.parse(stdout).findings

const only = async (part: string): Promise<Finding[]> => {
  const { code, stdout } = await runRecorded(['doctor', '--only', part, '--json'])
  expect(code).toBe(0)
  return findingsOf(stdout)
}

test.each(['wasm', 'cpu'])('on %s, every operation is right, forward and gradient', async (backend) => {
  const [{ operations, ...rest }, ...others] = (await only(backend)) as [Finding, ...Finding[]]
  expect(others).toEqual([])
  expect(rest).toEqual({ task: 'training', runtime: `tfjs ${backend}`, works: true })
  expect(operations!.length).toBeGreaterThan(50)
  expect(new Set(operations!.map(({ operation }) => operation)).size).toBe(operations!.length)
  for (const report of operations!) expect(report).toMatchObject({ forward: 'right', gradient: 'right' })
})

test('doctor says what predicts, why the rest does not, and what to do about it', async () => {
  const findings = await only('inference')
  const found = (device: string): Finding | undefined =>
    findings.find(({ runtime }) => runtime === `onnxruntime ${device}`)
  for (const device of ['cpu', 'wasm']) {
    expect(found(device)).toMatchObject({ works: true, size: [64, 64] })
    expect(found(device)!.differenceToCpu).toBeLessThan(1e-5)
  }
  // Where it works, this says nothing.
  const cuda = found('cuda')!
  if (!cuda.works)
    expect(cuda.remedy).toContain('npm install onnxruntime-node --onnxruntime-node-install=cuda12')
})

test('the whole table, for people to read', async () => {
  const { code, stdout } = await runRecorded(['doctor', '--only', 'wasm', '--matrix'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^✓ training on tfjs wasm\n {4}(\d+) of \1 operations right, forward and gradient$/m)
  expect(stdout).toMatch(/^forward, gradient +wasm\nconvolution 1×1 +✓ ✓\n/m)
  expect(stdout).not.toMatch(/inference|✗|–/)
  expect((await runRecorded(['doctor', '--only', 'wasm', '--model', 'x'])).code).toBe(2)
})

test('doctor --model tries a model, for people to read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
  try {
    const spec = unet({ dimensions: 3, inputChannels: 1, widths: [2, 3], upsampling: 'transposed' })
    const head = ssnHead({ classes: 2, rank: 2 })
    const model = exportOnnx({ spec, head, weights: initialWeights(spec, head, { seed: 0 }) })
    await writeFile(join(folder, 'model.onnx'), model)
    const { code, stdout } = await runRecorded(['doctor', '--model', folder])
    expect(code).toBe(0)
    expect(stdout).toMatch(/✓ inference on onnxruntime cpu\n {4}2×2×2 in .* ms/)
    expect(stdout).not.toContain('training')
    expect((await runRecorded(['doctor', '--model', join(folder, 'none.onnx')])).code).toBe(1)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('Ctrl-C ends it between two operations', async () => {
  const { code, stdout } = await runRecorded(['doctor', '--only', 'cpu'], (text, interrupt) => {
    if (/operation/.test(text)) interrupt()
  })
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
})

const command = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
describe.skipIf(!existsSync(command))('as a command (needs a build)', { timeout: 180_000 }, () => {
  const doctor = async (flags: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
    promisify(execFile)(process.execPath, [command, 'doctor', '--json', ...flags], {
      env: { ...process.env, ...env },
    })

  test('what libraries print is kept from its output', async () => {
    const { stdout, stderr } = await doctor()
    expect(stderr).toBe('Trying wasm\nTrying cpu\nTrying tensorflow\nTrying webgpu\nTrying inference\n')
    expect(findingsOf(stdout)).toHaveLength(8)
  })

  test.skipIf(!softwareWebgpu)(
    'a GPU in software is said to be one, and asked no more (needs SwiftShader)',
    async () => {
      const [finding, ...others] = findingsOf((await doctor(['--only', 'webgpu'], softwareWebgpu)).stdout)
      expect(others).toEqual([])
      expect(finding).toMatchObject({ works: true, engine: expect.stringMatching(/software\)$/) })
      expect(finding).not.toHaveProperty('operations')
    },
  )
})
