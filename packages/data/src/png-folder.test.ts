import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DataError, ValueError } from '@stochseg/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDataset } from './open-dataset'
import { splitOf } from './patient-split'
import { writePng } from './png'
import { openPngFolder } from './png-folder'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-folder-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function write(file: string, values: readonly number[], width = 2): Promise<void> {
  const path = join(folder, file)
  await mkdir(dirname(path), { recursive: true })
  await writePng(path, {
    width,
    height: values.length / width,
    channels: 1,
    depth: 8,
    data: Uint8Array.from(values),
  })
}

async function writeCase(base: string, name: string, masks: readonly (readonly number[])[]): Promise<void> {
  await write(`${base}/images/${name}.png`, [0, 255, 51, 0])
  for (const [rater, mask] of masks.entries()) await write(`${base}/gt/${name}_l${rater}.png`, mask)
}

describe('openPngFolder', () => {
  it('reads images and raters of a split folder, masks of 0 and 255 or of 0 and 1', async () => {
    await writeCase('train', 'p1/z-1', [
      [0, 255, 0, 255],
      [0, 1, 1, 0],
    ])
    await writeCase('train', 'z-0', [
      [0, 0, 0, 0],
      [1, 1, 1, 1],
    ])
    const dataset = await openPngFolder(folder, { split: 'train' })
    expect(dataset).toMatchObject({ channels: 1, classes: 2, spatial: [2, 2], length: 2 })
    const first = await dataset.case(0)
    expect(first.id).toBe('p1/z-1')
    expect(first.image).toEqual(Float32Array.from([-0.5, 0.5, -0.3, -0.5]))
    expect([...first.raters]).toEqual([0, 1, 0, 1, 0, 1, 1, 0])
    await expect(openPngFolder(folder, { split: 'val' })).rejects.toThrow(/only train/)
  })

  it('sorts raters by number, and takes classes from the values', async () => {
    await writeCase(
      'test',
      'a',
      Array.from({ length: 11 }, (_, rater) => [0, 0, 0, rater === 10 ? 2 : 1]),
    )
    const { raters } = await (await openDataset(folder, { split: 'test', classes: 3 })).case(0)
    expect(raters[4 * 10 + 3]).toBe(2)
    expect(raters[4 * 9 + 3]).toBe(1)
  })

  it('keeps each patient in one split, about 60 : 20 : 20', async () => {
    const patients = Array.from({ length: 1000 }, (_, index) => `LIDC-IDRI-${String(index).padStart(4, '0')}`)
    const share = (split: string): number => patients.filter((name) => splitOf(name) === split).length / 1000
    expect(Math.abs(share('train') - 0.6)).toBeLessThan(0.05)
    expect(Math.abs(share('val') - 0.2)).toBeLessThan(0.05)
    // A promise: data sets must not be split anew by a later version.
    expect(patients.slice(0, 8).map(splitOf)).toEqual([
      'train',
      'val',
      'train',
      'test',
      'train',
      'val',
      'train',
      'train',
    ])

    const some = patients.slice(0, 12)
    for (const patient of some) await writeCase('.', `${patient}/a`, [[0, 0, 0, 0]])
    for (const patient of some) await writeCase('.', `${patient}/b`, [[0, 0, 0, 0]])
    const ids: string[] = []
    for (const split of ['train', 'val', 'test'] as const) {
      const dataset = await openPngFolder(folder, { split })
      for (let index = 0; index < dataset.length; index++) {
        const { id } = await dataset.case(index)
        expect(splitOf(id.split('/')[0]!)).toBe(split)
        ids.push(id)
      }
    }
    expect(ids.sort()).toEqual(some.flatMap((patient) => [`${patient}/a`, `${patient}/b`]))
  })

  it('refuses a folder without images, without masks, or with an empty split', async () => {
    await expect(openDataset(join(folder, 'none'), { split: 'train' })).rejects.toBeInstanceOf(DataError)
    await expect(openPngFolder(join(folder, 'none'), { split: 'train' })).rejects.toBeInstanceOf(DataError)
    await expect(openDataset(folder, { split: 'train' })).rejects.toThrow(/images/)
    await mkdir(join(folder, 'gt'))
    await mkdir(join(folder, 'images'))
    await expect(openDataset(folder, { split: 'train' })).rejects.toThrow(/found no PNG/)
    await writeCase('.', 'a', [[0, 0, 0, 0]])
    const others = (['train', 'val', 'test'] as const).filter((split) => split !== splitOf('a'))
    await expect(openDataset(folder, { split: others[0]! })).rejects.toThrow(
      /1 images, none of them in split/,
    )
  })

  it('names the mask that one rater did not draw', async () => {
    await writeCase('train', 'p/a', [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ])
    await writeCase('train', 'p/b', [[0, 0, 0, 0]])
    await expect(openPngFolder(folder, { split: 'train' })).rejects.toThrow(/b_l1\.png.*no such mask/)
    await rm(join(folder, 'train/gt/p'), { recursive: true })
    await expect(openPngFolder(folder, { split: 'train' })).rejects.toThrow(/a_l0\.png/)
  })

  it('names the mask of another size, with a value that is no class, or truncated', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await writeCase('train', name, [[0, 1, 0, 0]])
    await write('train/gt/a_l0.png', [0, 1, 0, 0, 0, 0])
    await write('train/gt/b_l0.png', [0, 1, 2, 0])
    await write('train/gt/c_l0.png', [0, 1, 255, 0])
    await writeFile(join(folder, 'train/gt/d_l0.png'), Uint8Array.of(1, 2, 3))
    await write('train/images/e.png', [0, 1])
    const dataset = await openPngFolder(folder, { split: 'train' })
    await expect(dataset.case(0)).rejects.toThrow(/a_l0\.png: found 2×3 pixels; expected 2×2/)
    await expect(dataset.case(1)).rejects.toThrow(/b_l0\.png: found value 2;/)
    await expect(dataset.case(2)).rejects.toThrow(/c_l0\.png: found value 1 beside 255;/)
    await expect(dataset.case(2)).rejects.toBeInstanceOf(ValueError)
    await expect(dataset.case(3)).rejects.toThrow(/d_l0\.png/)
    await expect(dataset.case(4)).rejects.toThrow(/e\.png: found 2×1 pixels/)
  })
})
