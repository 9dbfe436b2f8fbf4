// numpy's .npy files: arrays of any number of axes, in and out; and as normalised images for a network.
// Not npyjs 1.2: it refuses big-endian arrays, gives cut-off ones as shorter, leaves Fortran's order, and needs node-fetch.
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import { readFile } from 'node:fs/promises'
import { DataError, fromFloat16, ShapeError, voxelCount } from '@stochseg/core'
import { checkIntensities, normalizeIntensities } from './intensities'

/** Values of an array, in C order. */
export type NpyData = Uint8Array | Uint16Array | Int32Array | Float32Array | Float64Array

/** An array as numpy saves it. */
export interface NpyArray {
  /** Slowest axis first. */
  readonly shape: readonly number[]
  readonly data: NpyData
  /** numpy's code of the stored type, without its byte order: `b1` bool, `u1` … `u8`, `i1` … `i8`, `f2`, `f4`, `f8`. */
  readonly type: string
}

/** An array as a network's input. */
export interface NpyImage {
  /** `[channels, *spatial]`. */
  readonly image: Float32Array
  readonly channels: number
  readonly spatial: readonly number[]
}

interface StoredType {
  readonly array: new (length: number) => NpyData
  readonly read: (view: DataView, offset: number, littleEndian: boolean) => number
}

const BYTE: StoredType = { array: Uint8Array, read: (view, offset) => view.getUint8(offset) }
const TYPES: Readonly<Record<string, StoredType>> = {
  b1: BYTE,
  u1: BYTE,
  u2: { array: Uint16Array, read: (view, offset, little) => view.getUint16(offset, little) },
  u4: { array: Float64Array, read: (view, offset, little) => view.getUint32(offset, little) },
  // Exact up to 2⁵³.
  u8: { array: Float64Array, read: (view, offset, little) => Number(view.getBigUint64(offset, little)) },
  i1: { array: Int32Array, read: (view, offset) => view.getInt8(offset) },
  i2: { array: Int32Array, read: (view, offset, little) => view.getInt16(offset, little) },
  i4: { array: Int32Array, read: (view, offset, little) => view.getInt32(offset, little) },
  i8: { array: Float64Array, read: (view, offset, little) => Number(view.getBigInt64(offset, little)) },
  f2: { array: Float32Array, read: (view, offset, little) => fromFloat16(view.getUint16(offset, little)) },
  f4: { array: Float32Array, read: (view, offset, little) => view.getFloat32(offset, little) },
  f8: { array: Float64Array, read: (view, offset, little) => view.getFloat64(offset, little) },
}
const MAGIC = '\x93NUMPY'

/** Decodes an array. `name` is for the error: `DataError` for bytes that are truncated, no .npy, or of another type than numbers. */
export function decodeNpy(bytes: Uint8Array, name = '.npy'): NpyArray {
  const { descr, fortranOrder, shape, start } = readHeader(bytes, name)
  const type = descr.slice(1)
  const stored = /^[<>|=]/.test(descr) && Object.hasOwn(TYPES, type) ? TYPES[type] : undefined
  if (!stored) {
    throw new DataError(name, {
      found: `elements of type ${descr}`,
      expected: `numbers: ${Object.keys(TYPES).join(', ')}`,
      remedy: 'Save it as such, e.g. array.astype(numpy.float32)',
    })
  }
  const length = voxelCount(shape)
  const size = Number(type[1])
  if (bytes.length - start < length * size) {
    throw damaged(name, `${bytes.length - start} bytes of data for [${shape}]`, `${length * size}`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + start)
  const data = new stored.array(length)
  const place = fortranOrder ? fortranPlaces(shape) : (index: number) => index
  for (let index = 0; index < length; index++) {
    data[index] = stored.read(view, place(index) * size, descr[0] !== '>')
  }
  return { shape, data, type }
}

/** Reads an array. Throws `DataError` when the file is missing, truncated, no .npy, or of another type than numbers. */
export async function readNpy(path: string): Promise<NpyArray> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new DataError(path, {
      found: 'no file that can be opened',
      expected: "numpy's .npy",
      remedy: 'Check the path and its permissions',
      cause,
    })
  })
  return decodeNpy(bytes, path)
}

/** Encodes an array for numpy.load. Throws {@link ShapeError} when `data` has another length than the shape says. */
export function encodeNpy({ shape, data }: Pick<NpyArray, 'shape' | 'data'>): Uint8Array {
  if (data.length !== voxelCount(shape)) {
    throw new ShapeError('.npy data', {
      found: `${data.length} values`,
      expected: `${voxelCount(shape)} for [${shape}]`,
      remedy: 'Give the shape of the array',
    })
  }
  const kind =
    data instanceof Float32Array || data instanceof Float64Array
      ? 'f'
      : data instanceof Int32Array
        ? 'i'
        : 'u'
  const descr = `${data.BYTES_PER_ELEMENT === 1 ? '|' : '<'}${kind}${data.BYTES_PER_ELEMENT}`
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`
  // The data begin at a multiple of 64.
  const start = Math.ceil((MAGIC.length + 4 + text.length + 1) / 64) * 64
  const bytes = new Uint8Array(start + data.byteLength)
  const header = `${MAGIC}\x01\0\0\0${text.padEnd(start - MAGIC.length - 5)}\n`
  for (let index = 0; index < start; index++) bytes[index] = header.charCodeAt(index)
  const view = new DataView(bytes.buffer)
  view.setUint16(MAGIC.length + 2, start - MAGIC.length - 4, true)
  const write = {
    f4: view.setFloat32,
    f8: view.setFloat64,
    i4: view.setInt32,
    u2: view.setUint16,
    u1: view.setUint8,
  }[descr.slice(1) as 'f4' | 'f8' | 'i4' | 'u2' | 'u1']
  for (let index = 0; index < data.length; index++) {
    write.call(view, start + index * data.BYTES_PER_ELEMENT, data[index]!, true)
  }
  return bytes
}

/**
 * An array `[channels, *spatial]`, or `[*spatial]` of one channel, as a network's input: uint8 and uint16 with the full range of
 * their type mapped to [−½, ½], floats as they are.
 *
 * Throws `DataError` for another number of axes, for signed or wide integers, and for intensities that are not finite.
 */
export function npyImage({ shape, data, type }: NpyArray, dimensions: 2 | 3, name = '.npy'): NpyImage {
  if (shape.length !== dimensions && shape.length !== dimensions + 1) {
    const axes = ['depth', 'height', 'width'].slice(-dimensions).join(', ')
    throw new DataError(name, {
      found: `an array of shape (${shape.join(', ')})`,
      expected: `[${axes}] or [channels, ${axes}]`,
      remedy: 'Save one image a file, channels first',
    })
  }
  if (type[0] !== 'f' && type !== 'u1' && type !== 'u2') {
    throw new DataError(name, {
      found: `elements of type ${type}`,
      expected: 'uint8, uint16 or floats',
      remedy: 'Signed intensities such as Hounsfield units must be normalised first: save them as floats',
    })
  }
  const image =
    type[0] === 'f' ? Float32Array.from(data) : normalizeIntensities(data, 2 ** (8 * Number(type[1])) - 1)
  checkIntensities(name, image)
  return { image, channels: shape.length === dimensions ? 1 : shape[0]!, spatial: shape.slice(-dimensions) }
}

function readHeader(
  bytes: Uint8Array,
  name: string,
): {
  readonly descr: string
  readonly fortranOrder: boolean
  readonly shape: readonly number[]
  readonly start: number
} {
  const text = (start: number, end: number): string =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1', start, end)
  if (text(0, MAGIC.length) !== MAGIC || bytes.length < 12) {
    throw damaged(name, `${bytes.length} bytes that begin otherwise`, 'a file of numpy.save')
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const wide = bytes[MAGIC.length]! > 1
  const first = MAGIC.length + (wide ? 6 : 4)
  const start = first + (wide ? view.getUint32(first - 4, true) : view.getUint16(first - 2, true))
  const header = bytes.length < start ? '' : text(first, start)
  const descr = /'descr': *'([^']+)'/.exec(header)?.[1]
  const order = /'fortran_order': *(True|False)/.exec(header)?.[1]
  const sizes = /'shape': *\(([\d, ]*)\)/.exec(header)?.[1]
  if (order === undefined || sizes === undefined)
    throw damaged(name, 'a header that is cut off', 'a whole one')
  return {
    // Records have a list in place of a type's code.
    descr: descr ?? '[…]',
    fortranOrder: order === 'True',
    shape: sizes
      .split(',')
      .filter((size) => size.trim() !== '')
      .map(Number),
    start,
  }
}

/** Where the value at a place in C order is stored in Fortran's. */
function fortranPlaces(shape: readonly number[]): (index: number) => number {
  return (index) => {
    let place = 0
    let stride = voxelCount(shape)
    let rest = index
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const length = shape[axis]!
      stride /= length
      place += (rest % length) * stride
      rest = Math.floor(rest / length)
    }
    return place
  }
}

function damaged(name: string, found: string, expected: string): DataError {
  return new DataError(name, {
    found,
    expected,
    remedy: 'The file is truncated, damaged or of another format: save or copy it again',
  })
}
