// Training on patches of volumes, from a folder of NIfTI patients to a model.
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UNKNOWN_SPACE, writeNifti } from '@stochseg/data'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runRecorded } from '../recorded-io'
import { readMetrics } from '../run-folder/metrics-log'

const SPATIAL = [16, 14, 18]
const CONFIGURATION = {
  backbone: 'deepmedic',
  backboneOptions: { scaleFactors: [3, 1], widths: [4, 4], jointWidths: [8], dropout: [0, 0] },
  patchSize: [15, 15, 15],
  patchesPerCase: 4,
  augmentation: { flips: {}, rightAngles: {} },
  rank: 2,
  samples: 4,
  batchSize: 2,
  steps: 8,
  meanSteps: 4,
  validateEvery: 4,
  learningRate: 0.01,
  antithetic: true,
  optimizer: { name: 'rmsProp', momentum: 0.6, weightDecay: 1e-4 },
  schedule: 'steps',
  milestones: [6],
}

let folder: string
const at = (...parts: string[]): string => join(folder, ...parts)

/** A bright ball in noise, labelled 2 and, in its upper half, 4. */
async function writePatient(path: string, seed: number): Promise<void> {
  const [depth, height, width] = SPATIAL as [number, number, number]
  const voxels = depth * height * width
  const image = new Float32Array(voxels)
  const labels = new Uint8Array(voxels)
  const mask = new Uint8Array(voxels)
  for (let voxel = 0; voxel < voxels; voxel++) {
    const [z, y, x] = [
      Math.floor(voxel / (height * width)),
      Math.floor(voxel / width) % height,
      voxel % width,
    ]
    const distance = Math.hypot(z - 8, y - 7, x - 6 - (seed % 5))
    image[voxel] = (distance < 4 ? 2 : 0) + Math.sin(voxel * (seed + 1))
    labels[voxel] = distance < 4 ? (y < 7 ? 4 : 2) : 0
    mask[voxel] = Number(distance < 7)
  }
  await mkdir(path, { recursive: true })
  const parts = { flair: image, seg: labels, mask }
  for (const [name, data] of Object.entries(parts)) {
    await writeNifti(join(path, `${name}.nii.gz`), { data, spatial: SPATIAL, space: UNKNOWN_SPACE })
  }
}

async function losses(run: string): Promise<unknown[]> {
  return (await readMetrics(at(run, 'metrics.ndjson'))).map(({ event, step, loss }) => [event, step, loss])
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
  const patients = ['train/a', 'train/b', 'validation/c', 'test/d']
  await Promise.all(patients.map((patient, index) => writePatient(at('data', patient), index)))
  const layout = { channels: ['flair'], labels: ['seg'], mask: 'mask', labelValues: { 2: 1, 4: 2 } }
  await writeFile(at('layout.json'), JSON.stringify(layout))
  await writeFile(at('config.json'), JSON.stringify(CONFIGURATION))
})
afterAll(() => rm(folder, { recursive: true }))

const train = (run: string, ...flags: string[]) =>
  runRecorded(['train', '--out', at(run), '--data', at('data'), '--config', at('config.json'), ...flags])

test('patches of NIfTI volumes train a network, and a stopped run goes on as if it had not stopped', async () => {
  const layout = ['--layout', at('layout.json')]
  const whole = await train('whole', ...layout)
  expect(whole.code, whole.stderr).toBe(0)
  const record = JSON.parse(await readFile(at('whole', 'run.json'), 'utf8'))
  expect(record).toMatchObject({ status: 'done', step: 8, network: { head: { classes: 3, rank: 2 } } })
  const recorded = (await losses('whole')) as [string, number, number][]
  expect(recorded.filter(([event]) => event === 'validation').map(([, step]) => step)).toEqual([4, 8])
  // Nats per output of 3³ voxels and 3 classes: 27 ln 3 = 29.7 knows nothing.
  expect(recorded.every(([, , loss]) => loss > 0 && loss < 100)).toBe(true)

  const flags = [
    '--model',
    at('whole'),
    '--data',
    at('data'),
    ...layout,
    '--samples',
    '4',
    '--storage',
    'float16',
  ]
  const evaluated = await runRecorded(['evaluate', ...flags, '--report', at('report.html'), '--json'])
  expect(evaluated.code, evaluated.stderr).toBe(0)
  const { cases, classDice, foregroundDice } = JSON.parse(evaluated.stdout)
  expect(cases).toBe(1)
  expect(classDice).toHaveLength(2)
  // Far from trained, but the ball is told from its surroundings.
  expect(foregroundDice).toBeGreaterThan(0.3)
  const page = await readFile(at('report.html'), 'utf8')
  expect(page).toContain('d, plane 8')
  expect(page).toContain('Dice of all foreground as one')

  const properties = JSON.parse((await runRecorded(['inspect', at('whole'), '--json'])).stdout).properties
  expect(JSON.parse(properties.niftiLayout)).toMatchObject({
    channels: ['flair'],
    labelValues: { 2: 1, 4: 2 },
  })

  // As in the data's own dataset.json: the run keeps it.
  await rename(at('layout.json'), at('data', 'dataset.json'))
  const part = await train('part', '--steps', '4')
  await rename(at('data', 'dataset.json'), at('layout.json'))
  expect(part.code, part.stderr).toBe(0)
  const resumed = await runRecorded(['train', '--out', at('part'), '--resume', '--steps', '8'])
  expect(resumed.code, resumed.stderr).toBe(0)
  expect(await losses('part')).toEqual(recorded)
})

test('what the folder does not say, or the network does not take, is refused by name', async () => {
  const unknown = await train('unknown')
  expect(unknown.stderr).toMatch(/data\/train\/a: found flair, mask, seg, but nothing.*dataset\.json/)
  const badSize = await train('size', '--layout', at('layout.json'), '--patch-size', '16,15,15')
  expect(badSize.stderr).toMatch(/image size: found 16 × 15 × 15; .*Pad the image to 18 × 15 × 15/)
  await writeFile(at('wrong.json'), JSON.stringify({ channels: ['flair'], masks: 'mask', labels: ['seg'] }))
  expect((await train('wrong', '--layout', at('wrong.json'))).stderr).toMatch(/layout 'masks': found/)
  for (const run of [unknown, badSize]) expect(run.code).toBe(1)
})
