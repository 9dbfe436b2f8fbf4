// Backbones that are not ours: from a package, and what is said where there is none.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deepmedicBrats, initialWeights } from '@stochseg/backbones'
import { ssnHead } from '@stochseg/core'
import { exportOnnx } from '@stochseg/onnx-adapter'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runRecorded } from './recorded-io'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
})
afterAll(() => rm(folder, { recursive: true }))

const train = async (name: string, configuration: object): ReturnType<typeof runRecorded> => {
  const file = join(folder, `${name}.json`)
  await writeFile(
    file,
    JSON.stringify({ data: 'generated', rank: 2, batchSize: 2, samples: 2, ...configuration }),
  )
  const budget = ['--steps', '2', '--mean-steps', '1', '--validate-every', '2', '--validation-cases', '2']
  return runRecorded(['train', '--out', join(folder, name), '--config', file, ...budget])
}

test('trains a backbone by the name of its package, with its own options', async () => {
  const backboneOptions = { levels: 2, width: 3 }
  const { code, stderr } = await train('pyramid', { backbone: 'stochseg-backbone-example', backboneOptions })
  expect(code, stderr).toBe(0)
  const record = JSON.parse(await readFile(join(folder, 'pyramid', 'run.json'), 'utf8'))
  expect(record.network.spec.name).toBe('pyramid')
  expect(record.network.spec.nodes.map(({ name }: { name: string }) => name)).toContain('level1.conv')
  const { stdout } = await runRecorded(['inspect', join(folder, 'pyramid')])
  expect(stdout).toMatch(/backbone +pyramid/)
})

test('says which backbones there are, and which options', async () => {
  const missing = await train('missing', { backbone: 'no-such-package' })
  expect(missing.code).toBe(1)
  expect(missing.stderr).toMatch(/backbone 'no-such-package'.*unet, unet-lidc, deepmedic/s)
  const wrong = await train('wrong', { backbone: 'meshnet', backboneOptions: { depth: 3 } })
  expect(wrong.code).toBe(1)
  expect(wrong.stderr).toMatch(/option 'depth'.*width, dilations/s)
  const flat = await train('flat', { backbone: 'meshnet', widths: [2, 4] })
  expect(flat.stderr).toMatch(/option 'widths': found no such option/)
})

test('inspects a network for volumes', async () => {
  const spec = deepmedicBrats()
  const head = ssnHead({ classes: 4, rank: 10 })
  const file = join(folder, 'deepmedic.onnx')
  await writeFile(file, exportOnnx({ spec, head, weights: initialWeights(spec, head, { seed: 0 }) }))
  const { code, stdout, stderr } = await runRecorded(['inspect', file, '--size', '110,110,110'])
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/sizes +95 × 95 × 95, larger by multiples of 15 × 15 × 15/)
  expect(stdout).toMatch(/receptive field +81 × 81 × 81\nparameters +1,051,012\n/)
  expect(stdout).toMatch(/at 110 × 110 × 110 +18\.8 G multiply-adds/)
})
