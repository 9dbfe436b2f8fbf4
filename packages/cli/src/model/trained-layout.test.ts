// A model keeps the layout of the NIfTI files that it was trained on: its data need not say it again.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initialWeights, meshnet } from '@stochseg/backbones'
import { ssnHead, standardNormals } from '@stochseg/core'
import { UNKNOWN_SPACE, writeNifti } from '@stochseg/data'
import { exportOnnx } from '@stochseg/onnx-adapter'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Recorded, runRecorded } from '../recorded-io'

const SPATIAL = [5, 6, 7]
const LAYOUT = { channels: ['flair'], labels: ['seg'], mask: 'mask', labelValues: { 4: 1 } }

let folder: string
const at = (...parts: string[]): string => join(folder, ...parts)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
  for (const [seed, patient] of ['train/a', 'val/b', 'test/c'].entries()) {
    await mkdir(at('data', patient), { recursive: true })
    const image = standardNormals(5 * 6 * 7, { seed })
    const files = { flair: image, seg: image.map((value) => (value > 0.5 ? 4 : 0)), mask: image.map(() => 1) }
    for (const [name, data] of Object.entries(files)) {
      const space = UNKNOWN_SPACE
      await writeNifti(at('data', patient, `${name}.nii.gz`), { data, spatial: SPATIAL, space })
    }
  }
  const spec = meshnet({ inputChannels: 1, width: 2, dilations: [1] })
  const head = ssnHead({ classes: 2, rank: 1 })
  const weights = initialWeights(spec, head, { seed: 1 })
  const properties = { niftiLayout: JSON.stringify(LAYOUT) }
  await writeFile(at('bare.onnx'), exportOnnx({ spec, head, weights }))
  await writeFile(at('trained.onnx'), exportOnnx({ spec, head, weights, properties }))
  await writeFile(at('layout.json'), JSON.stringify(LAYOUT))
})
afterAll(() => rm(folder, { recursive: true }))

const onData = (verb: string, model: string, ...flags: string[]): Promise<Recorded> =>
  runRecorded([verb, '--model', at(model), '--data', at('data'), ...flags])

test('evaluate reads data by it', async () => {
  const evaluate = (model: string, ...flags: string[]): Promise<Recorded> =>
    onData('evaluate', model, '--samples', '2', '--baseline', 'image-blind', '--json', ...flags)
  expect((await evaluate('bare.onnx')).stderr).toMatch(/nothing that says which is what/)
  const found = await evaluate('trained.onnx')
  expect(found.code, found.stderr).toBe(0)
  expect(found.stdout).toBe((await evaluate('bare.onnx', '--layout', at('layout.json'))).stdout)
})

test('wrap reads data by it, and keeps the one that it was told', async () => {
  const wrap = (model: string, ...flags: string[]): Promise<Recorded> =>
    onData('wrap', model, '--steps', '2', '--samples', '2', '--batch-size', '1', '--json', ...flags)
  const out = ['--out', at('out.onnx')]
  expect((await wrap('bare.onnx', ...out)).stderr).toMatch(/nothing that says which is what/)
  const found = await wrap('trained.onnx', ...out)
  expect(found.code, found.stderr).toBe(0)
  const told = await wrap('bare.onnx', ...out, '--layout', at('layout.json'))
  expect(JSON.parse(told.stdout).training).toEqual(JSON.parse(found.stdout).training)
  const { stdout } = await runRecorded(['inspect', at('out.onnx'), '--json'])
  expect(JSON.parse(JSON.parse(stdout).properties.niftiLayout)).toEqual(LAYOUT)
})
