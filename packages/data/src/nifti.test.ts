import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { DataError } from '@stochseg/core'
import fc from 'fast-check'
import * as reader from 'nifti-reader-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { referenceData } from '../../../scripts/reference-data'
import { decodeNifti, encodeNifti, type NiftiVolume, readNifti, UNKNOWN_SPACE, writeNifti } from './nifti'
import { type NiftiSpace, niftiAffine } from './nifti-header'

const SPACE: NiftiSpace = {
  voxelSize: [0.5, 1.5, 2],
  units: 2,
  qform: { code: 1, quaternion: [0.5, -0.25, 0.125], offset: [10, -20, 30.5], handedness: -1 },
  sform: { code: 2, rows: [0, -1.5, 0, 7, 0.5, 0, 0, -8, 0, 0, 2, 9] },
}
const SPATIAL = [2, 3, 4]
const volume = (data: NiftiVolume['data'] = numbers(Float32Array)): NiftiVolume => ({
  data,
  spatial: SPATIAL,
  space: SPACE,
})

function numbers<Numbers extends NiftiVolume['data']>(array: {
  from(values: ArrayLike<number>): Numbers
}): Numbers {
  return array.from(Array.from({ length: 24 }, (_, index) => 5 * index))
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('a volume that was written', () => {
  it.each<{ readonly name: string; from(values: ArrayLike<number>): NiftiVolume['data'] }>([
    Uint8Array,
    Int8Array,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
  ])('is read as it was, $name', async (array) => {
    const written = volume(numbers(array))
    expect(await decodeNifti(encodeNifti(written))).toEqual(written)
  })

  it.each(['plain.nii', 'packed.nii.gz'])('is read from a file, %s', async (name) => {
    await writeNifti(join(folder, name), volume())
    expect(await readNifti(join(folder, name))).toEqual(volume())
    const packed = (await readFile(join(folder, name)))[0] === 0x1f
    expect(packed).toBe(name.endsWith('.gz'))
  })

  it('is what another reader sees, and lies where it sees it', () => {
    const bytes = encodeNifti(volume()).buffer as ArrayBuffer
    const header = reader.readHeader(bytes)
    expect(header.dims.slice(0, 4)).toEqual([3, 4, 3, 2])
    expect([...new Float32Array(reader.readImage(header, bytes))]).toEqual([...volume().data])
    expect(header.affine.flat()).toEqual(niftiAffine(SPACE))
    expect([header.qform_code, header.sform_code, header.xyzt_units]).toEqual([1, 2, 2])

    const turned = { ...SPACE, sform: { ...SPACE.sform, code: 0 } }
    const onlyTurned = reader.readHeader(encodeNifti({ ...volume(), space: turned }).buffer as ArrayBuffer)
    onlyTurned.affine.flat().forEach((value, index) => {
      expect(value).toBeCloseTo(niftiAffine(turned)[index]!, 6)
    })
  })

  it('may be an image', async () => {
    const image = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), spatial: [2, 3], space: UNKNOWN_SPACE }
    expect(await decodeNifti(encodeNifti(image))).toEqual(image)
  })

  it('has as many values as its size says', () => {
    expect(() => encodeNifti({ ...volume(), spatial: [2, 3, 5] })).toThrow(/24 values of size 2 × 3 × 5/)
    expect(() =>
      encodeNifti({ data: new Uint8Array(40_000), spatial: [1, 1, 40_000], space: SPACE }),
    ).toThrow(DataError)
  })

  it('needs a folder', async () => {
    await expect(writeNifti(join(folder, 'missing', 'a.nii'), volume())).rejects.toThrow(DataError)
  })
})

describe('the map into space', () => {
  it('of a half turn, whose quaternion rounding has made too long', () => {
    const half = Math.fround(Math.SQRT1_2) + 1e-7
    const qform = { code: 1, quaternion: [half, half, 0], offset: [0, 0, 0], handedness: 1 } as const
    const affine = niftiAffine({ ...UNKNOWN_SPACE, qform })
    expect(affine.every(Number.isFinite)).toBe(true)
    expect(affine[1]).toBeCloseTo(1, 5)
  })

  it('of a file without one is its voxel sizes', () => {
    const affine = niftiAffine({ ...UNKNOWN_SPACE, voxelSize: [1, 2, 3] })
    expect(affine).toEqual([1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1])
  })
})

describe('what others write', () => {
  /** Changes fields of an encoded volume. */
  const changed = (data: NiftiVolume['data'], change: (view: DataView) => void): Uint8Array => {
    const bytes = encodeNifti(volume(data))
    change(new DataView(bytes.buffer))
    return bytes
  }

  it('is scaled by its header, and not by a slope of 0', async () => {
    const stored = Int16Array.from({ length: 24 }, (_, index) => index - 12)
    const scaled = await decodeNifti(
      changed(stored, (view) => {
        view.setFloat32(112, 0.5, true)
        view.setFloat32(116, 3, true)
      }),
    )
    expect(scaled.data).toEqual(Float32Array.from(stored, (value) => value / 2 + 3))
    const unscaled = await decodeNifti(changed(stored, (view) => view.setFloat32(112, 0, true)))
    expect(unscaled.data).toEqual(stored)
  })

  it('may have the other byte order', async () => {
    const values = Int16Array.from({ length: 24 }, (_, index) => 300 * index)
    const bytes = changed(values, (view) => {
      const turn = (at: number, size: number, count: number): void => {
        for (let index = 0; index < count; index++) {
          new Uint8Array(view.buffer, at + size * index, size).reverse()
        }
      }
      for (const [at, count] of [
        [40, 8],
        [70, 2],
        [252, 2],
        [352, 24],
      ] as const) {
        turn(at, 2, count)
      }
      for (const [at, count] of [
        [0, 1],
        [76, 8],
        [108, 3],
        [256, 18],
      ] as const) {
        turn(at, 4, count)
      }
    })
    // Of a Buffer, slice() gives a view, not a copy: turning the values round would change the caller's.
    const buffer = Buffer.from(bytes)
    expect(await decodeNifti(buffer)).toEqual(volume(values))
    expect(new Uint8Array(buffer)).toEqual(bytes)
  })

  it('may begin at any byte of a Buffer', async () => {
    const values = Int16Array.from({ length: 24 }, (_, index) => 300 * index)
    const plain = encodeNifti(volume(values))
    const odd = Buffer.from(new ArrayBuffer(plain.length + 1), 1)
    odd.set(plain)
    expect(await decodeNifti(odd)).toEqual(volume(values))
  })

  it('may be integers of 64 bits', async () => {
    const labels = BigInt64Array.from({ length: 24 }, (_, index) => BigInt(index % 4) - 1n)
    const bytes = new Uint8Array(352 + labels.byteLength)
    bytes.set(encodeNifti(volume()).subarray(0, 352))
    bytes.set(new Uint8Array(labels.buffer), 352)
    for (const code of [1024, 1280]) {
      new DataView(bytes.buffer).setInt16(70, code, true)
      const { data } = await decodeNifti(bytes)
      expect(data).toBeInstanceOf(Float64Array)
      expect([...data.slice(0, 4)]).toEqual([code === 1024 ? -1 : 2 ** 64, 0, 1, 2])
    }
  })

  it('may be NIfTI-2', async () => {
    const header = new reader.NIFTI2()
    Object.assign(header, {
      littleEndian: true,
      dims: [3, 4, 3, 2, 1, 1, 1, 1],
      pixDims: [-1, 0.5, 1.5, 2, 1, 1, 1, 1],
      datatypeCode: 2,
      numBitsPerVoxel: 8,
      vox_offset: 544,
      scl_slope: 1,
      magic: 'n+2\0',
      qform_code: 1,
      quatern_b: 0.5,
      quatern_c: -0.25,
      quatern_d: 0.125,
      qoffset_x: 10,
      qoffset_y: -20,
      qoffset_z: 30.5,
      sform_code: 2,
      affine: [SPACE.sform.rows.slice(0, 4), SPACE.sform.rows.slice(4, 8), SPACE.sform.rows.slice(8)],
      xyzt_units: 2,
    })
    const bytes = new Uint8Array(544 + 24)
    bytes.set(new Uint8Array(header.toArrayBuffer()))
    bytes.set(numbers(Uint8Array), 544)
    expect(await decodeNifti(bytes)).toEqual(volume(numbers(Uint8Array)))
  })

  it.each([
    ['not NIfTI', () => new TextEncoder().encode('P5 4 4 255 '), /does not begin like NIfTI/],
    ['nothing', () => new Uint8Array(0), /does not begin like NIfTI/],
    ['a pair', () => changed(numbers(Uint8Array), (view) => view.setUint8(345, 0x69)), /'ni1'/],
    ['a series', () => changed(numbers(Uint8Array), (view) => series(view)), /a size of 4 × 3 × 1 × 2/],
    ['no axes', () => changed(numbers(Uint8Array), (view) => view.setInt16(40, 0, true)), /0 dimensions/],
    ['RGB', () => changed(numbers(Uint8Array), (view) => view.setInt16(70, 128, true)), /datatype 128/],
    ['bad gzip', () => gzipSync(encodeNifti(volume())).subarray(0, 90), /gzip that cannot be unpacked/],
  ])('is refused when it is %s', async (_, make, message) => {
    const refused = decodeNifti(make(), 'file.nii')
    await expect(refused).rejects.toThrow(DataError)
    await expect(refused).rejects.toThrow(message)
  })

  function series(view: DataView): void {
    view.setInt16(40, 4, true)
    view.setInt16(46, 1, true)
    view.setInt16(48, 2, true)
  }

  it('is refused when it is cut off or damaged, never anything else', async () => {
    const bytes = encodeNifti(volume())
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
        await expect(decodeNifti(bytes.subarray(0, length))).rejects.toThrow(DataError)
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.nat(347), fc.nat(255), async (at, value) => {
        const damaged = bytes.slice()
        damaged[at] = value
        await decodeNifti(damaged).catch((error) => expect(error).toBeInstanceOf(DataError))
      }),
      { numRuns: 500 },
    )
  })

  it('is refused by name when it is missing', async () => {
    await expect(readNifti(join(folder, 'none.nii'))).rejects.toThrow(/none\.nii: found a file that cannot/)
    await writeFile(join(folder, 'text.nii.gz'), 'text')
    await expect(readNifti(join(folder, 'text.nii.gz'))).rejects.toThrow(
      /text\.nii\.gz: found a file that does/,
    )
  })
})

const patient = referenceData('brats2015-sample/test/brats_2013_pat0001_1')
describe.skipIf(!patient)('reference data (brats2015-sample is needed)', () => {
  it('a mask that is stored as scaled integers', async () => {
    const { data, spatial, space } = await readNifti(join(patient!, 'brainmask.nii.gz'))
    expect(spatial).toEqual([155, 240, 240])
    expect(data).toBeInstanceOf(Float32Array)
    // 2147483520 · 2^-32 + ½ is 0.99999997, and 1 in float32.
    expect(new Set(data)).toEqual(new Set([0, 1]))
    expect(niftiAffine(space).slice(0, 8)).toEqual([-1, 0, 0, -0, 0, -1, 0, 239])
  })
})
