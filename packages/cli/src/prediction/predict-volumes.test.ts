// Volumes: NIfTI in, NIfTI in the same space out, however the work is cut.
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initialWeights, meshnet } from '@stochseg/backbones'
import { ssnHead, standardNormals } from '@stochseg/core'
import { type NiftiData, niftiAffine, readNifti, UNKNOWN_SPACE, writeNifti } from '@stochseg/data'
import { exportOnnx } from '@stochseg/onnx-adapter'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Recorded, runRecorded } from '../recorded-io'

const SPATIAL = [9, 20, 24]
const VOXELS = 9 * 20 * 24
const SPACE = {
  ...UNKNOWN_SPACE,
  voxelSize: [1, 1.5, 2] as const,
  units: 2,
  sform: { code: 1, rows: [0, -1.5, 0, 90, 1, 0, 0, -126, 0, 0, 2, -72] },
}
const inMask = Uint8Array.from({ length: VOXELS }, (_, voxel) => Number(voxel % 24 > 5))

let folder: string
const at = (...parts: string[]): string => join(folder, ...parts)
const save = (data: NiftiData, ...path: string[]): Promise<void> =>
  writeNifti(at(...path), { data, spatial: SPATIAL, space: SPACE })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
  const spec = meshnet({ inputChannels: 2, width: 3, dilations: [1, 1] })
  const head = ssnHead({ classes: 3, rank: 2 })
  const weights = initialWeights(spec, head, { seed: 4 })
  const layout = { channels: ['flair', 't1c'], labels: ['seg'], mask: 'mask', normalisation: 'z-score' }
  await writeFile(at('model.onnx'), exportOnnx({ spec, head, weights }))
  for (const [name, niftiLayout] of Object.entries({ trained: JSON.stringify(layout), wrong: '{"a": 1}' })) {
    await writeFile(at(`${name}.onnx`), exportOnnx({ spec, head, weights, properties: { niftiLayout } }))
  }
  for (const patient of ['patient1', 'patient2']) {
    await mkdir(at('data', patient), { recursive: true })
    for (const [index, name] of ['flair', 't1c'].entries()) {
      await save(standardNormals(VOXELS, { seed: index }), 'data', patient, `${name}.nii.gz`)
    }
    await save(inMask, 'data', patient, 'mask.nii.gz')
  }
  await writeFile(at('data', 'dataset.json'), JSON.stringify(layout))
})
afterAll(() => rm(folder, { recursive: true }))

const channels = (patient: string): string =>
  ['flair', 't1c'].map((name) => at('data', patient, `${name}.nii.gz`)).join(',')

function predict(
  out: string,
  flags: readonly string[],
  onProgress?: (text: string, interrupt: () => void) => void,
): Promise<Recorded> {
  const argv = [
    'predict',
    '--model',
    at('model.onnx'),
    '--out',
    at(out),
    '--samples',
    '3',
    '--json',
    ...flags,
  ]
  return runRecorded(argv, onProgress)
}

const labelsOf = async (...path: string[]): Promise<NiftiData> => (await readNifti(at(...path))).data

test('channels in files: results have the size and the affine of the first', async () => {
  const { code, stdout } = await predict('files', ['--input', channels('patient1')])
  expect(code).toBe(0)
  expect((await readdir(at('files', 'flair'))).sort()).toEqual([
    'entropy.nii.gz',
    'mean.nii.gz',
    ...[1, 2, 3].map((sample) => `sample-00${sample}.nii.gz`),
    'summary.json',
  ])
  for (const name of ['mean', 'entropy', 'sample-002']) {
    const { spatial, space } = await readNifti(at('files', 'flair', `${name}.nii.gz`))
    expect(spatial).toEqual(SPATIAL)
    expect(niftiAffine(space)).toEqual(niftiAffine(SPACE))
    expect(space.voxelSize).toEqual([...SPACE.voxelSize])
  }
  const [summary] = JSON.parse(stdout)
  expect(summary).toMatchObject({ size: SPATIAL, samples: 3, storage: 'float32' })
  const mean = await labelsOf('files', 'flair', 'mean.nii.gz')
  expect(summary.pixels.map((row: { mean: number }) => row.mean)).toEqual(
    [1, 2].map((label) => mean.filter((value) => value === label).length),
  )
})

test('in tiles, the files are the same', async () => {
  const whole = ['--input', channels('patient1')]
  expect((await predict('whole', whole)).code).toBe(0)
  expect((await predict('tiles', [...whole, '--tile', '9,12,12'])).code).toBe(0)
  for (const name of (await readdir(at('whole', 'flair'))).filter((file) => file !== 'summary.json')) {
    const [tiles, expected] = [await labelsOf('tiles', 'flair', name), await labelsOf('whole', 'flair', name)]
    const largest = Math.max(...Array.from(tiles, (value, voxel) => Math.abs(value - expected[voxel]!)))
    expect(largest, name).toBeLessThan(name === 'entropy.nii.gz' ? 1e-5 : 1)
  }
})

describe('folders of patients', () => {
  const input = (...patients: string[]): string[] => ['--input', ...patients.map((name) => at('data', name))]
  const folders = (): string[] => input('patient1', 'patient2')

  test('are read by their layout: normalised, nothing but label 0 outside the mask', async () => {
    const { code } = await predict('folders', folders())
    expect(code).toBe(0)
    const sample = await labelsOf('folders', 'patient2', 'sample-001.nii.gz')
    expect(sample.some((label, voxel) => label !== 0 && inMask[voxel] === 0)).toBe(false)
    expect(sample.some((label) => label !== 0)).toBe(true)
    const explicit = ['--mask', at('data', 'patient1', 'mask.nii.gz'), '--normalisation', 'z-score']
    expect((await predict('explicit', ['--input', channels('patient1'), ...explicit])).code).toBe(0)
    expect(await labelsOf('explicit', 'flair', 'sample-003.nii.gz')).toEqual(
      await labelsOf('folders', 'patient1', 'sample-003.nii.gz'),
    )
  })

  test('that say no layout are read by the one that the model was trained on', async () => {
    await cp(at('data', 'patient1'), at('elsewhere', 'patient1'), { recursive: true })
    const bare = ['--input', at('elsewhere', 'patient1')]
    const unknown = await predict('trained', bare)
    expect(unknown.stderr).toMatch(/nothing that says which is what/)
    const { code, stderr } = await predict('trained', [...bare, '--model', at('trained.onnx')])
    expect(code, stderr).toBe(0)
    expect(await labelsOf('trained', 'patient1', 'sample-003.nii.gz')).toEqual(
      await labelsOf('folders', 'patient1', 'sample-003.nii.gz'),
    )
    const wrong = await predict('trained', [...bare, '--model', at('wrong.onnx')])
    expect(wrong.stderr).toMatch(/property 'niftiLayout' of .*Export the run again/)
  })

  test('binary16 gives the same labels but for a few', async () => {
    expect((await predict('half', [...folders(), '--storage', 'float16'])).code).toBe(0)
    const [half, full] = await Promise.all(
      ['half', 'folders'].map((run) => labelsOf(run, 'patient1', 'sample-001.nii.gz')),
    )
    expect(half!.filter((label, voxel) => label !== full![voxel]).length).toBeLessThan(VOXELS / 200)
  })

  test('Ctrl-C ends it between two tiles', async () => {
    const tiles = [...folders(), '--tile', '9,12,12']
    const { code, stdout } = await predict('stopped', tiles, (text, interrupt) => {
      if (/tile 1\//.test(text)) interrupt()
    })
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(await readdir(at('stopped'))).toEqual([])
  })

  test('with --resume, images that are done are left alone', async () => {
    const time = async (): Promise<number> => (await stat(at('resumed', 'patient1', 'mean.nii.gz'))).mtimeMs
    expect((await predict('resumed', input('patient1'))).code).toBe(0)
    const first = await time()
    const { code, stdout } = await predict('resumed', [...folders(), '--resume'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toHaveLength(2)
    expect(await time()).toBe(first)
    expect((await predict('resumed', [...folders(), '--resume', '--seed', '1'])).code).toBe(0)
    expect(await time()).not.toBe(first)
  })
})

describe('bad input', () => {
  async function expectFailure(flags: readonly string[], message: RegExp): Promise<void> {
    const { code, stderr } = await predict('bad', flags)
    expect(stderr).toMatch(message)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^stochseg: .*found .*; expected .*\./)
  }

  test('one channel where the model wants two', () =>
    expectFailure(
      ['--input', at('data', 'patient1', 'flair.nii.gz')],
      /1 channels; .*a file for each channel/,
    ))

  test('a file that is cut off', async () => {
    const bytes = await readFile(at('data', 'patient1', 't1c.nii.gz'))
    await writeFile(at('cut.nii.gz'), bytes.subarray(0, bytes.length / 2))
    const input = `${at('data', 'patient1', 'flair.nii.gz')},${at('cut.nii.gz')}`
    await expectFailure(['--input', input], /cut\.nii\.gz/)
  })

  test('a mask too few', () =>
    expectFailure(
      [
        '--input',
        channels('patient1'),
        at('data', 'patient2'),
        '--mask',
        at('data', 'patient1', 'mask.nii.gz'),
      ],
      /1 masks for 2 inputs/,
    ))

  test('a tile that is smaller than the network takes', () =>
    expectFailure(['--input', channels('patient1'), '--tile', '9,9'], /tile size: found 9 × 9/))

  test('an image where volumes are wanted', async () => {
    await writeFile(at('x.png'), 'no PNG')
    await expectFailure(['--input', at('x.png')], /whole PNG/)
  })
})
