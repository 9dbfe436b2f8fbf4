import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initialWeights, unet } from '@stochseg/backbones'
import { ssnHead } from '@stochseg/core'
import { exportOnnx } from '@stochseg/onnx-adapter'
import { expect, test } from 'vitest'
import { runRecorded } from '../recorded-io'

test('doctor says what works, why the rest does not, and what to do about it', async () => {
  const { code, stdout } = await runRecorded(['doctor', '--json'])
  expect(code).toBe(0)
  const { findings } = JSON.parse(stdout)
  const found = (runtime: string) =>
    findings.find((finding: { runtime: string }) => finding.runtime === runtime)
  expect(found('tfjs wasm')).toEqual({ task: 'training', runtime: 'tfjs wasm', works: true })
  for (const device of ['cpu', 'wasm']) {
    expect(found(`onnxruntime ${device}`)).toMatchObject({ works: true, size: [64, 64] })
    expect(found(`onnxruntime ${device}`).differenceToCpu).toBeLessThan(1e-5)
  }
  // Where it works, this says nothing.
  const cuda = found('onnxruntime cuda')
  if (!cuda.works)
    expect(cuda.remedy).toContain('npm install onnxruntime-node --onnxruntime-node-install=cuda12')
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
