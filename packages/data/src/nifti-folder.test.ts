import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DataError, ValueError } from '@stochseg/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { referenceData } from '../../../scripts/reference-data'
import { type NiftiData, UNKNOWN_SPACE, writeNifti } from './nifti'
import { openNiftiFolder } from './nifti-folder'
import type { NiftiLayout } from './nifti-layout'
import { openDataset } from './open-dataset'

const SPATIAL = [2, 1, 3]
const LAYOUT: NiftiLayout = {
  channels: ['t1', 't2'],
  labels: ['first', 'second'],
  mask: 'brain',
  labelValues: { 1: 1, 4: 2, 7: 1 },
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function write(patient: string, parts: Readonly<Record<string, NiftiData>> = {}, spatial = SPATIAL) {
  await mkdir(join(folder, patient), { recursive: true })
  const files = {
    'first.nii': Uint8Array.of(0, 1, 4, 7, 0, 0),
    'second.nii.gz': Float32Array.of(0, 0, 4, 0, 0, 0),
    'brain.nii.gz': Float32Array.of(0, 0.99, 1, 1, 1, 0.4),
    't1.nii.gz': Int16Array.of(-9, 2, 3, 4, 5, 6),
    't2.nii.gz': Float32Array.of(1, 2, 3, 4, 5.5, 6),
    ...parts,
  }
  for (const [name, data] of Object.entries(files)) {
    await writeNifti(join(folder, patient, name), { data, spatial, space: UNKNOWN_SPACE })
  }
}

const open = (split: 'train' | 'val' | 'test' = 'train', layout: NiftiLayout | undefined = LAYOUT) =>
  openNiftiFolder(folder, { split, layout })

describe('a folder of patients', () => {
  it('gives channels in order, a map for each rater, zeros outside the mask', async () => {
    await write('train/b')
    await write('train/a')
    const dataset = await open()
    expect(dataset).toMatchObject({ channels: 2, classes: 3, spatial: SPATIAL, length: 2 })
    expect((await dataset.case(1)).id).toBe('b')
    expect(await dataset.case(0)).toEqual({
      id: 'a',
      image: Float32Array.of(0, 2, 3, 4, 5, 0, 0, 2, 3, 4, 5.5, 0),
      raters: Uint8Array.of(0, 1, 2, 1, 0, 0, 0, 0, 2, 0, 0, 0),
      roi: Uint8Array.of(0, 1, 1, 1, 1, 0),
    })
  })

  it('says its layout itself, in dataset.json', async () => {
    await write('train/a')
    await writeFile(join(folder, 'dataset.json'), JSON.stringify({ channels: ['t2'], labels: ['second'] }))
    const dataset = await openDataset(folder, { split: 'train', classes: 5 })
    expect(dataset).toMatchObject({ channels: 1, classes: 5 })
    const { image, raters, roi } = await dataset.case(0)
    expect([[...image], [...raters], roi]).toEqual([[1, 2, 3, 4, 5.5, 6], [0, 0, 4, 0, 0, 0], undefined])
  })

  it('standardises channels inside the mask, where it is told to', async () => {
    await write('train/a')
    const dataset = await open('train', { ...LAYOUT, normalisation: 'z-score' })
    const [outside, ...inside] = (await dataset.case(0)).image.subarray(0, 5)
    expect(outside).toBe(0)
    const deviation = Math.sqrt(1.25)
    for (const [index, value] of inside.entries()) expect(value).toBeCloseTo((index - 1.5) / deviation, 6)
  })

  it('may name the validation split in full, and its files after the patient', async () => {
    await write('validation/a')
    const named = { channels: ['t1'], labels: ['seg'] }
    const seg = { 'a_seg.nii.gz': Uint8Array.of(0, 1, 0, 0, 0, 0) }
    await write('validation/a', seg)
    expect((await open('val', named)).length).toBe(1)
    await expect(open('train', named)).rejects.toThrow(/found only validation; expected a folder train/)
  })

  it('splits patients by their names where there are no splits', async () => {
    const patients = Array.from({ length: 12 }, (_, index) => `patient-${index}`)
    for (const patient of patients) await write(patient)
    const ids: string[] = []
    for (const split of ['train', 'val', 'test'] as const) {
      const dataset = await open(split)
      for (let index = 0; index < dataset.length; index++) ids.push((await dataset.case(index)).id)
    }
    expect(ids.sort()).toEqual(patients.sort())
  })

  it('has links to patients, and links to files that are none', async () => {
    await write('elsewhere/a')
    await mkdir(join(folder, 'train'))
    await symlink(join(folder, 'elsewhere/a'), join(folder, 'train/linked'))
    await writeFile(join(folder, 'notes.txt'), '')
    await symlink(join(folder, 'notes.txt'), join(folder, 'train/README'))
    const dataset = await open()
    expect(dataset.length).toBe(1)
    expect((await dataset.case(0)).id).toBe('linked')
    await symlink(join(folder, 'nowhere'), join(folder, 'train/lost'))
    await expect(open()).rejects.toThrow(/train\/lost: found no folder that can be opened.*leads nowhere/)
    await expect(open()).rejects.toThrow(DataError)
  })

  it('keeps cases that were used last, up to a size', async () => {
    await write('train/a')
    await write('train/b')
    // A case has 2 · 6 floats, 2 · 6 labels and 6 voxels of interest: 66 bytes.
    const dataset = await openNiftiFolder(folder, { split: 'train', layout: LAYOUT, keepBytes: 100 })
    const first = await dataset.case(0)
    expect(await dataset.case(0)).toBe(first)
    await dataset.case(1)
    expect(await dataset.case(0)).not.toBe(first)
    const roomy = await openNiftiFolder(folder, { split: 'train', layout: LAYOUT, keepBytes: 200 })
    const kept = await roomy.case(0)
    await roomy.case(1)
    expect(await roomy.case(0)).toBe(kept)
  })
})

describe('what does not fit is named', () => {
  it('files that nothing explains', async () => {
    await write('train/a')
    const refused = openDataset(folder, { split: 'train' })
    await expect(refused).rejects.toThrow(/train\/a: found brain, first, second, t1, t2.*dataset\.json/)
  })

  it('a missing file', async () => {
    await write('train/a')
    await rm(join(folder, 'train/a/t2.nii.gz'))
    await expect(open()).rejects.toThrow(/train\/a: .*expected t2\.nii\.gz or t2\.nii/)
  })

  it('a volume of another size', async () => {
    await write('train/a')
    await write('train/b', {}, [1, 2, 3])
    const dataset = await open()
    await dataset.case(0)
    await expect(dataset.case(1)).rejects.toThrow(/train\/b.*found a size of 1 × 2 × 3; expected 2 × 1 × 3/)
  })

  it('a label that is no class, an intensity that is no number, a damaged file', async () => {
    await write('train/a', { 'first.nii': Uint8Array.of(0, 1, 5, 0, 0, 0) })
    await write('train/b', { 't1.nii.gz': Float32Array.of(1, Number.NaN, 3, 4, 5, 6) })
    await write('train/c')
    await writeFile(join(folder, 'train/c/t2.nii.gz'), 'no image')
    const dataset = await open()
    await expect(dataset.case(0)).rejects.toThrow(ValueError)
    await expect(dataset.case(0)).rejects.toThrow(/a\/first\.nii: found label 5; expected 0, 1, 4, 7/)
    await expect(dataset.case(1)).rejects.toThrow(/b\/t1\.nii\.gz: found NaN/)
    await expect(dataset.case(2)).rejects.toThrow(DataError)
  })

  it('a number of classes that contradicts the layout, and an empty split', async () => {
    await write('train/a')
    const contradicting = openNiftiFolder(folder, { split: 'train', layout: LAYOUT, classes: 5 })
    await expect(contradicting).rejects.toThrow(/found 5 classes; expected 3/)
    await mkdir(join(folder, 'test'))
    await expect(open('test')).rejects.toThrow(/found no patient/)
  })

  it.each([
    [{ channels: [], labels: ['seg'] }, /layout 'channels'/],
    [{ channels: ['t1'], labels: 'seg' }, /layout 'labels'/],
    [{ channels: ['t1'], labels: ['seg'], labelValues: { 4: -1 } }, /layout 'labelValues'/],
    [{ channels: ['t1'], labels: ['seg'], labelValues: { tumour: 1 } }, /layout 'labelValues'/],
    [{ channels: ['t1'], labels: ['seg'], normalisation: 'min-max' }, /layout 'normalisation'/],
    [{ channels: ['t1'], labels: ['seg'], masks: 'm' }, /layout 'masks'/],
    ['t1', /layout 'channels'/],
  ])('dataset.json with %j', async (layout, message) => {
    await write('train/a')
    await writeFile(join(folder, 'dataset.json'), JSON.stringify(layout))
    await expect(openDataset(folder, { split: 'train' })).rejects.toThrow(message)
  })
})

const brats = referenceData('brats2015-sample')
describe.skipIf(!brats)('reference data (brats2015-sample is needed)', () => {
  it("is recognised, with the paper's classes", async () => {
    const lengths = []
    for (const split of ['train', 'val', 'test'] as const) {
      lengths.push((await openDataset(brats!, { split })).length)
    }
    expect(lengths).toEqual([2, 2, 1])
    const dataset = await openDataset(brats!, { split: 'test' })
    expect(dataset).toMatchObject({ channels: 2, classes: 4, spatial: [155, 240, 240] })
    const { id, image, raters, roi } = await dataset.case(0)
    expect(id).toBe('brats_2013_pat0001_1')
    const counts = [0, 0, 0, 0]
    for (const label of raters) counts[label]!++
    // Counted with numpy: labels 1 and 3 are one class.
    expect(counts).toEqual([8816276, 26371 + 818, 53050, 31485])
    expect(roi!.reduce((sum, inside) => sum + inside, 0)).toBe(1487565)
    expect(image[0]).toBe(0)
  })
})
