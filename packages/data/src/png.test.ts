import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DataError, ShapeError } from '@stochseg/core'
import { encode } from 'fast-png'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodePng, encodePng, normalizePng, type PngImage, readPng, writePng } from './png'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-png-'))
})
afterAll(() => rm(folder, { recursive: true }))

const grey: PngImage = {
  width: 3,
  height: 2,
  channels: 1,
  depth: 8,
  data: Uint8Array.from([0, 51, 255, 1, 2, 3]),
}

describe('PNG', () => {
  it('comes back from a file as it was written: 8 and 16 bits, grey and RGB', async () => {
    const data = Uint16Array.from({ length: 18 }, (_, index) => index * 3000)
    for (const image of [grey, { ...grey, channels: 3, depth: 16, data } satisfies PngImage]) {
      const path = join(folder, 'image.png')
      await writePng(path, image)
      expect(await readPng(path)).toEqual(image)
    }
    expect(await readdir(folder)).toEqual(['image.png'])
  })

  it('unpacks fewer than 8 bits, whose rows are padded to bytes', () => {
    const packed = encode({
      width: 10,
      height: 2,
      channels: 1,
      depth: 1,
      data: Uint8Array.from([0xff, 0xc0, 0x80, 0x40]),
    })
    const { data, depth } = decodePng(packed)
    expect(depth).toBe(1)
    expect([...data].join('')).toBe('1111111111' + '1000000001')
  })

  it('is refused wherever it is cut off, and when a byte is wrong', () => {
    const bytes = encodePng(grey)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodePng(bytes.subarray(0, length), 'cut.png')).toThrow(DataError)
    }
    const damaged = bytes.slice()
    damaged[45]! ^= 1
    expect(() => decodePng(damaged, 'damaged.png')).toThrow(/damaged\.png/)
  })

  it('is refused when data do not fit the sizes, or the folder is not there', async () => {
    expect(() => encodePng({ ...grey, width: 4 })).toThrow(ShapeError)
    await expect(writePng(join(folder, 'none', 'image.png'), grey)).rejects.toBeInstanceOf(DataError)
    await expect(readPng(join(folder, 'none.png'))).rejects.toBeInstanceOf(DataError)
  })
})

describe('normalizePng', () => {
  it("maps the type's full range to [−½, ½], planar", () => {
    expect(normalizePng(grey).image.slice(0, 3)).toEqual(Float32Array.from([-0.5, -0.3, 0.5]))
    const colours: PngImage = {
      width: 2,
      height: 1,
      channels: 3,
      depth: 16,
      data: Uint16Array.of(65535, 0, 0, 0, 0, 65535),
    }
    expect(normalizePng(colours)).toMatchObject({ channels: 3, spatial: [1, 2] })
    expect([...normalizePng(colours).image]).toEqual([0.5, -0.5, -0.5, -0.5, -0.5, 0.5])
  })

  it('takes the colours of an indexed image', () => {
    const indexed: PngImage = {
      ...grey,
      width: 2,
      height: 1,
      data: Uint8Array.of(1, 0),
      palette: [
        [0, 0, 0],
        [255, 0, 51],
      ],
    }
    expect([...normalizePng(indexed).image]).toEqual([0.5, -0.5, -0.5, -0.5, Math.fround(-0.3), -0.5])
    expect(() => normalizePng({ ...indexed, data: Uint8Array.of(1, 2) })).toThrow(DataError)
  })

  it('leaves out an opaque alpha channel and refuses transparency', () => {
    const withAlpha: PngImage = {
      width: 2,
      height: 1,
      channels: 2,
      depth: 8,
      data: Uint8Array.of(0, 255, 255, 255),
    }
    expect([...normalizePng(withAlpha).image]).toEqual([-0.5, 0.5])
    expect(() => normalizePng({ ...withAlpha, data: Uint8Array.of(0, 255, 255, 254) })).toThrow(/column 1/)
    // By Pillow, without alpha: 7, 8 and 9, of which 8 is transparent.
    const keyed =
      'iVBORw0KGgoAAAANSUhEUgAAAAMAAAABCAAAAAA+i0toAAAAAnRSTlMACHhIRQoAAAAMSURBVHicY2RnZAQAACAACxFxAWcAAAAASUVORK5CYII='
    const decoded = decodePng(Buffer.from(keyed, 'base64'))
    expect(decoded).toMatchObject({ channels: 1, data: Uint8Array.of(7, 8, 9) })
    expect(() => normalizePng(decoded)).toThrow(/a transparent pixel at row 0, column 1/)
    expect(normalizePng({ ...decoded, data: Uint8Array.of(7, 7, 9) }).channels).toBe(1)
  })
})
