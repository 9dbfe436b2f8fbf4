import { DataError, ShapeError } from '@stochseg/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeNpy, encodeNpy, npyImage, readNpy } from './npy'

/** What numpy 2.4.6 saves, its header of 128 bytes written short. */
function saved(descr: string, shape: string, data: readonly number[], fortran = false): Uint8Array {
  const order = fortran ? 'True' : 'False'
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`
  const header = `\x93NUMPY\x01\0v\0${text.padEnd(117)}\n`
  return Uint8Array.from([...[...header].map((character) => character.charCodeAt(0)), ...data])
}

const halves = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]
const float32 = [
  0, 0, 0x20, 0xc0, 0, 0, 0xc0, 0xbf, 0, 0, 0, 0xbf, 0, 0, 0, 0x3f, 0, 0, 0xc0, 0x3f, 0, 0, 0x20, 0x40,
]

describe('numpy arrays', () => {
  it.each([
    ['<f4', halves, float32],
    ['<f2', halves, [0, 0xc1, 0, 0xbe, 0, 0xb8, 0, 0x38, 0, 0x3e, 0, 0x41]],
    [
      '>f8',
      halves,
      [0xc0, 4, 0xbf, 0xf8, 0xbf, 0xe0, 0x3f, 0xe0, 0x3f, 0xf8, 0x40, 4].flatMap((byte, index) =>
        index % 2 ? [byte, 0, 0, 0, 0, 0, 0] : [byte],
      ),
    ],
    [
      '>u2',
      [0, 10000, 20000, 30000, 40000, 50000],
      [0, 0, 0x27, 0x10, 0x4e, 0x20, 0x75, 0x30, 0x9c, 0x40, 0xc3, 0x50],
    ],
    [
      '<i8',
      [-3, -2, -1, 0, 1, 2],
      [-3, -2, -1, 0, 1, 2].flatMap((value) => [value & 255, ...Array(7).fill(value < 0 ? 255 : 0)]),
    ],
    ['|b1', [1, 0, 1, 0, 1, 0], [1, 0, 1, 0, 1, 0]],
  ])('of type %s are read', (descr, values, bytes) => {
    const { data, shape, type } = decodeNpy(saved(descr, '(2, 3)', bytes))
    expect({ values: [...data], shape, type }).toEqual({ values, shape: [2, 3], type: descr.slice(1) })
  })

  it("in Fortran's order are turned round", () => {
    const columns = [0, 3, 1, 4, 2, 5].flatMap((index) => float32.slice(4 * index, 4 * index + 4))
    expect([...decodeNpy(saved('<f4', '(2, 3)', columns, true)).data]).toEqual(halves)
    const cube = Array.from({ length: 24 }, (_, index) => index)
    const { data } = decodeNpy(saved('|u1', '(2, 3, 4)', cube, true))
    // [1, 2, 3] lies at 1 + 2·2 + 3·6.
    expect([data[1], data[4], data[12], data[23]]).toEqual([6, 2, 1, 23])
  })

  it('are written as numpy does, and come back', () => {
    const data = Float32Array.from(halves)
    expect(encodeNpy({ shape: [2, 3], data })).toEqual(saved('<f4', '(2, 3)', float32))
    const kinds = [Uint8Array, Uint16Array, Int32Array, Float32Array, Float64Array]
    fc.assert(
      fc.property(fc.array(fc.nat(4), { maxLength: 4 }), fc.constantFrom(...kinds), (shape, kind) => {
        const length = shape.reduce((product, size) => product * size, 1)
        const array = { shape, data: new kind(length).map((_, index) => index * 3) }
        expect(decodeNpy(encodeNpy(array))).toMatchObject(array)
      }),
    )
    expect(() => encodeNpy({ shape: [7], data })).toThrow(ShapeError)
  })

  it('are refused wherever they are cut off, of other types, and where there are none', async () => {
    const whole = encodeNpy({ shape: [2, 3], data: Float32Array.from(halves) })
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeNpy(whole.subarray(0, length), 'cut.npy')).toThrow(DataError)
    }
    expect(() => decodeNpy(saved('<c8', '(1,)', Array(8).fill(0)), 'c.npy')).toThrow(
      /c\.npy: found elements of type <c8/,
    )
    expect(() => decodeNpy(saved('|constructor', '(1,)', [0]))).toThrow(/elements of type \|constructor/)
    await expect(readNpy('/nowhere.npy')).rejects.toBeInstanceOf(DataError)
  })
})

describe('numpy arrays as images', () => {
  const ofShape = (...shape: number[]): ReturnType<typeof decodeNpy> => ({
    ...decodeNpy(encodeNpy({ shape, data: new Float32Array(24) })),
  })

  it('have channels first, or one', () => {
    expect(npyImage(ofShape(2, 3, 4), 2)).toMatchObject({ channels: 2, spatial: [3, 4] })
    expect(npyImage(ofShape(2, 3, 4), 3)).toMatchObject({ channels: 1, spatial: [2, 3, 4] })
    expect(() => npyImage(ofShape(24), 2)).toThrow(
      /found an array of shape \(24\); expected \[height, width\] or/,
    )
  })

  it('are scaled where they are unsigned integers, and taken as they are where they are floats', () => {
    const image = (descr: string, bytes: readonly number[]): number[] => [
      ...npyImage(decodeNpy(saved(descr, '(1, 3)', bytes)), 2).image,
    ]
    expect(image('|u1', [0, 51, 255])).toEqual([-0.5, Math.fround(-0.3), 0.5])
    expect(image('<u2', [0, 0, 255, 255, 0, 0])).toEqual([-0.5, 0.5, -0.5])
    expect(image('<f4', float32.slice(0, 12))).toEqual(halves.slice(0, 3))
    expect(() => image('|i1', [0, 1, 2])).toThrow(/type i1.*Hounsfield/)
    expect(() => image('<f4', [0, 0, 0xc0, 0x7f, ...float32.slice(0, 8)])).toThrow(/NaN at pixel 0/)
  })
})
