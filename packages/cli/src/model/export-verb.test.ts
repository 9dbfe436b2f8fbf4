import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initialWeights, unet } from '@stochseg/backbones'
import { ssnHead } from '@stochseg/core'
import { InferenceSession } from 'onnxruntime-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runRecorded } from '../recorded-io'
import { checkpointStore } from '../run-folder/checkpoint-store'
import { writeRunRecord } from '../run-folder/run-record'
import { parseConfiguration } from '../training/configuration'

let folder: string
const out = (): string => join(folder, 'model.onnx')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-export-'))
  const network = { spec: unet({ inputChannels: 1, widths: [4, 8] }), head: ssnHead({ classes: 2, rank: 2 }) }
  await writeRunRecord(folder, {
    ...{ format: 'stochseg.run', version: 1, status: 'done', step: 3, seconds: 1, engine: 'none' },
    configuration: parseConfiguration({ data: 'generated' }),
    network,
  })
  const weights = initialWeights(network.spec, network.head, { seed: 0 })
  await checkpointStore(folder).save('best', {
    step: 3,
    state: { weights, optimizer: new Map() },
    identity: {},
  })
})
afterAll(() => rm(folder, { recursive: true }))

async function exported(...flags: string[]): Promise<InferenceSession> {
  const { code, stderr } = await runRecorded(['export', folder, '--out', out(), ...flags])
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return InferenceSession.create(out())
}

test('export draws samples in the graph when asked, from given noise or its own', async () => {
  expect((await exported()).outputNames).toEqual(['mean', 'diagonal', 'factor'])
  const explicit = await exported('--with-sampler')
  expect(explicit.inputNames).toEqual(['image', 'z', 'epsilon'])
  expect(explicit.outputNames).toContain('sampleLabels')
  const random = await exported('--with-sampler', '8')
  expect(random.inputNames).toEqual(['image'])
  expect(random.outputNames).toContain('sampleLogits')
})

test('export says what it wrote, as JSON where that is wanted', async () => {
  const { stdout } = await runRecorded(['export', folder, '--out', out(), '--json'])
  expect(JSON.parse(stdout)).toEqual({ out: out(), run: folder, step: 3 })
})

test('export takes an operator set, float16 kernels and fixed sizes', async () => {
  await exported()
  const usual = (await readFile(out())).length
  await exported('--float16', '--opset', '13')
  expect((await readFile(out())).length).toBeLessThan(usual)
  const [image] = (await exported('--fixed-size', '32,48', '--fixed-batch', '2')).inputMetadata
  expect(image).toMatchObject({ shape: [2, 1, 32, 48] })
  const { stdout } = await runRecorded(['inspect', out()])
  expect(stdout).toMatch(/^sizes +32 × 48 only$/m)
  expect(stdout).toMatch(/^batch +2 only$/m)
  const tried = await runRecorded(['doctor', '--model', out()])
  expect(tried.stdout).toMatch(/✓ inference on onnxruntime cpu/)
  const wrong = await runRecorded(['export', folder, '--out', out(), '--fixed-size', '33,48'])
  expect(wrong.code).toBe(1)
  expect(wrong.stderr).toMatch(/Pad the image to 34 × 48/)
})
