import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { DataError, StochsegError, ValueError } from '@stochseg/core'
import { File, ready } from 'h5wasm/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { referenceData } from '../../../scripts/reference-data'
import { openHdf5Dataset } from './hdf5'

let folder: string
beforeAll(async () => {
  await ready
  folder = await mkdtemp(join(tmpdir(), 'stochseg-hdf5-'))
})
afterAll(() => rm(folder, { recursive: true }))

interface Contents {
  readonly images: Uint8Array | Uint16Array | Int16Array | Float32Array
  readonly imageShape: number[]
  readonly labels: Uint8Array
  readonly labelShape: number[]
  readonly uids?: string[]
}

let count = 0
function write(group: string, contents: Contents): string {
  const path = join(folder, `${count++}.h5`)
  const file = new File(path, 'w')
  const split = file.create_group(group)
  split.create_dataset({ name: 'images', data: contents.images, shape: contents.imageShape })
  split.create_dataset({ name: 'labels', data: contents.labels, shape: contents.labelShape })
  if (contents.uids) split.create_dataset({ name: 'uids', data: contents.uids })
  file.close()
  return path
}

const two: Contents = {
  images: Uint8Array.from([0, 255, 51, 0, 0, 0, 0, 102, 0, 0, 0, 0]),
  imageShape: [2, 2, 3],
  // Per pixel, rater 0 then rater 1.
  labels: Uint8Array.from([1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, ...new Uint8Array(12)]),
  labelShape: [2, 2, 3, 2],
  uids: ['a', 'b'],
}

/**
 * By h5py 3.16, one image of 1 × 2 in each split: train has labels of numpy's bool, of two raters, val images of float16, test
 * labels of float16.
 */
const BY_H5PY = [
  'H4sIAAAAAAACA+v0cHHj5ZLiYubgYICB/1DAIwjhG0DFF03e0env4RLExFDBJISsEAa4mBgYGRjYBBiAFGtJUWJm3maoVjY+kBhz',
  'WWKOHzNUhB8kwlKSWlzykhWqSp6BEGgoFzlBjBMEQYazZeYmpqcWmzFCbYQI5iQmpeYUOzFBTdRjIBHYb/q4DewERgZGRhMGBiZm',
  'RkaoDQwwmgmNjy7OLMLAKKggz8AC5ikwiHMwiNcDWaxA1zNzcQB9xszIAI0QeLxMYBh0wKJIXQAeFi5A/7HgDgtCYQIPG0UGxggm',
  'iLwAB0wdB4Obo0+wK0NIUKgrUAw5oGAplwXmquIBCYud7w4kk5o0LzJjSZp3WchNmpbRthuokzT5oXwBBi5WBi5+tKTJgx7igzBp',
  '/ro8047isOBhYBRgQCRB5DAQ4EBVyzCDYdAC9gMB70hNmjlsWJImgwC5SfNt5dsmepSaQkOg1OzKW3VpcLmowZ4BEh02SCKjYBSM',
  'glEwCkbBKBimgB7dBakh0F3QFO/nBwAM6XkoDBEAAA==',
].join('')

describe('openHdf5Dataset', () => {
  it('gives images of bytes as value / 255 − ½ and one label map per rater', async () => {
    const dataset = await openHdf5Dataset(write('train', two), { split: 'train' })
    expect(dataset).toMatchObject({ channels: 1, classes: 2, spatial: [2, 3], length: 2 })
    const first = await dataset.case(0)
    expect(first.id).toBe('a')
    expect(first.image).toEqual(Float32Array.from([-0.5, 0.5, -0.3, -0.5, -0.5, -0.5]))
    expect(first.raters).toEqual(Uint8Array.from([1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0]))
    expect((await dataset.case(1)).image[1]).toBe(Math.fround(0.4 - 0.5))
    dataset.close()
  })

  it('takes float images as they are, scales 16 bits by their range, and names cases without uids', async () => {
    const floats = Float32Array.from(two.images, (value) => value / 100)
    const { uids: _, ...unnamed } = two
    const asFloats = await openHdf5Dataset(write('val', { ...unnamed, images: floats }), { split: 'val' })
    expect(await asFloats.case(0)).toMatchObject({ id: 'val/0', image: floats.slice(0, 6) })
    const words = Uint16Array.from(two.images, (value) => value * 257)
    const asWords = await openHdf5Dataset(write('val', { ...two, images: words }), { split: 'val' })
    expect((await asWords.case(0)).image[2]).toBeCloseTo(-0.3, 6)
  })

  it('keeps ids unique where uids are not', async () => {
    const dataset = await openHdf5Dataset(write('test', { ...two, uids: ['a', 'a'] }), { split: 'test' })
    expect((await dataset.case(0)).id).not.toBe((await dataset.case(1)).id)
  })

  it('gives the same cases whether it keeps the split or not', async () => {
    const path = write('train', two)
    const kept = await openHdf5Dataset(path, { split: 'train' })
    const read = await openHdf5Dataset(path, { split: 'train', keepBytes: 0 })
    for (const index of [1, 0]) expect(await read.case(index)).toEqual(await kept.case(index))
    kept.close()
    read.close()
  })

  it('says what is wrong with a file that is missing, truncated or something else', async () => {
    const path = write('train', two)
    await truncate(path, 3000)
    await expect(openHdf5Dataset(path, { split: 'train' })).rejects.toThrow(/truncated/)
    for (const wrong of [path, join(folder, 'missing.h5'), import.meta.filename]) {
      await expect(openHdf5Dataset(wrong, { split: 'train' })).rejects.toBeInstanceOf(DataError)
    }
  })

  it.each<[string, Partial<Contents>, RegExp]>([
    ['labels of other images', { labelShape: [2, 3, 2, 2] }, /images \[2,2,3\] and labels \[2,3,2,2\]/],
    ['no rater', { labels: new Uint8Array(0), labelShape: [2, 2, 3, 0] }, /labels \[2,2,3,0\]/],
    [
      'an empty split',
      {
        images: new Uint8Array(0),
        imageShape: [0, 2, 3],
        labels: new Uint8Array(0),
        labelShape: [0, 2, 3, 2],
      },
      /no images/,
    ],
    ['signed intensities', { images: new Int16Array(12) }, /floats/],
  ])('refuses %s', async (_, change, message) => {
    const opening = openHdf5Dataset(write('train', { ...two, ...change }), { split: 'train' })
    await expect(opening).rejects.toBeInstanceOf(DataError)
    await expect(opening).rejects.toThrow(message)
  })

  it("reads masks of numpy's bool, and says that it reads no float16", async () => {
    const path = join(folder, 'h5py.h5')
    await writeFile(path, gunzipSync(Buffer.from(BY_H5PY, 'base64')))
    const dataset = await openHdf5Dataset(path, { split: 'train' })
    expect((await dataset.case(0)).raters).toEqual(Uint8Array.of(0, 1, 1, 1))
    dataset.close()
    await expect(openHdf5Dataset(path, { split: 'val' })).rejects.toThrow(
      /images: found elements of type <e; .*Store the images as float32/,
    )
    await expect(openHdf5Dataset(path, { split: 'test' })).rejects.toThrow(
      /labels: found elements of type <e; .*Store the masks as uint8/,
    )
  })

  it('says that a file is damaged, wherever it is', async () => {
    const path = join(folder, 'damaged.h5')
    const whole = gunzipSync(Buffer.from(BY_H5PY, 'base64'))
    for (let at = 48; at < whole.length; at += 50) {
      const damaged = Buffer.from(whole)
      damaged[at] = 255
      await writeFile(path, damaged)
      const opened = openHdf5Dataset(path, { split: 'train' }).then(async (dataset) => {
        await dataset.case(0)
        dataset.close()
      })
      if (at === 48) await expect(opened).rejects.toThrow(/cannot open \(bad object header version number\)/)
      await opened.catch((error) => expect(error).toBeInstanceOf(StochsegError))
    }
  })

  it('says which groups and datasets there are when one is missing', async () => {
    const path = write('train', two)
    await expect(openHdf5Dataset(path, { split: 'val' })).rejects.toThrow(/only train/)
    const file = new File(join(folder, 'bare.h5'), 'w')
    file.create_group('train').create_dataset({ name: 'image', data: new Uint8Array(4) })
    file.close()
    await expect(openHdf5Dataset(join(folder, 'bare.h5'), { split: 'train' })).rejects.toThrow(
      /only image;.*named images/,
    )
  })

  it('names the case whose pixels are NaN or whose label is no class', async () => {
    const floats = Float32Array.from(two.images)
    floats[7] = Number.NaN
    const unreadable = await openHdf5Dataset(write('train', { ...two, images: floats }), { split: 'train' })
    await expect(unreadable.case(0)).resolves.toBeDefined()
    await expect(unreadable.case(1)).rejects.toThrow(/image b: found NaN at pixel 1/)

    const labels = two.labels.slice()
    labels[3] = 2
    const path = write('train', { ...two, labels })
    const binary = await openHdf5Dataset(path, { split: 'train' })
    await expect(binary.case(0)).rejects.toBeInstanceOf(ValueError)
    await expect(binary.case(0)).rejects.toThrow(
      /labels of a: found label 2; expected whole numbers from 0 to 1/,
    )
    const three = await openHdf5Dataset(path, { split: 'train', classes: 3 })
    expect((await three.case(0)).raters[7]).toBe(2)
  })
})

const lidc = referenceData('lidc/lidc-64.h5')
describe.skipIf(!lidc)('LIDC-IDRI (reference data lidc/lidc-64.h5 is absent)', () => {
  it('opens the three splits and tells the masks of the raters apart', async () => {
    const lengths: number[] = []
    for (const split of ['train', 'val', 'test'] as const) {
      const dataset = await openHdf5Dataset(lidc!, { split })
      expect(dataset.spatial).toEqual([64, 64])
      lengths.push(dataset.length)
      dataset.close()
    }
    expect(lengths).toEqual([1584, 479, 463])
    const test = await openHdf5Dataset(lidc!, { split: 'test' })
    let empty = 0
    for (let index = 0; index < test.length; index++) {
      const { raters } = await test.case(index)
      for (let rater = 0; rater < 4; rater++) {
        empty += raters.subarray(rater * 4096, (rater + 1) * 4096).includes(1) ? 0 : 1
      }
    }
    // Counted on the file's array by itself.
    expect(empty).toBe(809)
  })

  it('reads a split in pieces, and gives the cases of the last piece as the file has them', async () => {
    const kept = await openHdf5Dataset(lidc!, { split: 'train' })
    const read = await openHdf5Dataset(lidc!, { split: 'train', keepBytes: 0 })
    for (const index of [0, 1023, 1024, 1583]) expect(await kept.case(index)).toEqual(await read.case(index))
  })
})
