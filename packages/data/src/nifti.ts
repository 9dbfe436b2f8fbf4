// NIfTI, the format of medical volumes: files in, typed arrays out, and back. Values keep the file's order.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { DataError, voxelCount } from '@stochseg/core'
import { HEADER_BYTES, type NiftiSpace, readNiftiHeader, writeNiftiHeader } from './nifti-header'

/** The arrays whose values a NIfTI file can hold. */
export type NiftiData =
  | Uint8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint16Array
  | Uint32Array

/** An image or volume. */
export interface NiftiVolume {
  /** `[z, y, x]` (`[y, x]` for an image), x fastest. */
  readonly data: NiftiData
  readonly spatial: readonly number[]
  readonly space: NiftiSpace
}

/** The field `datatype` and the array that it stands for, of those that are written. */
const DATATYPES = [
  { code: 2, array: Uint8Array },
  { code: 4, array: Int16Array },
  { code: 8, array: Int32Array },
  { code: 16, array: Float32Array },
  { code: 64, array: Float64Array },
  { code: 256, array: Int8Array },
  { code: 512, array: Uint16Array },
  { code: 768, array: Uint32Array },
] as const

/** Read as float64, exact up to 2⁵³: numpy's integers are these unless told otherwise, so label maps often are. */
const LONG_DATATYPES = [
  { code: 1024, array: BigInt64Array },
  { code: 1280, array: BigUint64Array },
] as const

/** A grid of voxels of size 1 at the origin. */
export const UNKNOWN_SPACE: NiftiSpace = {
  voxelSize: [1, 1, 1],
  units: 0,
  qform: { code: 0, quaternion: [0, 0, 0], offset: [0, 0, 0], handedness: 1 },
  sform: { code: 0, rows: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0] },
}

const GZIP_MARK = [0x1f, 0x8b]

/**
 * Reads a NIfTI-1 or NIfTI-2 file, compressed or not, of either byte order.
 *
 * The array has the file's datatype, float64 for integers of 64 bits (exact up to 2⁵³); where the header scales the values, they
 * are scaled, and the array is float32. Throws {@link DataError} for a file that is missing, cut off, not NIfTI, of more than one
 * value a voxel, or of complex, RGB or 128-bit float values.
 */
export async function readNifti(path: string): Promise<NiftiVolume> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new DataError(path, {
      found: `a file that cannot be read (${reasonOf(cause)})`,
      expected: 'a NIfTI file',
      remedy: 'Check the path and its permissions',
      cause,
    })
  })
  return decodeNifti(bytes, path)
}

/** The volume of a NIfTI file's bytes, see {@link readNifti}; `name` stands in errors. */
export async function decodeNifti(bytes: Uint8Array, name = 'NIfTI'): Promise<NiftiVolume> {
  const file = GZIP_MARK.every((mark, index) => bytes[index] === mark) ? await unzipped(bytes, name) : bytes
  const { spatial, datatype, offset, slope, intercept, littleEndian, space } = readNiftiHeader(file, name)
  const type = [...DATATYPES, ...LONG_DATATYPES].find(({ code }) => code === datatype)
  if (!type) {
    throw new DataError(name, {
      found: `values of datatype ${datatype}`,
      expected: 'integers of 8 to 64 bits, or floats of 32 or 64',
      remedy: 'Convert the file, e.g. to float32',
    })
  }
  const size = type.array.BYTES_PER_ELEMENT
  const length = voxelCount(spatial) * size
  if (!(Number.isInteger(offset) && offset >= HEADER_BYTES - 4 && file.length >= offset + length)) {
    throw new DataError(name, {
      found: `${file.length} bytes`,
      expected: `${offset + length}: ${spatial.join(' × ')} values of ${size} bytes from ${offset} on`,
      remedy: 'The file is damaged or cut off: copy it again',
    })
  }
  // A copy, because typed arrays must start at a multiple of their element size, and to leave the caller's bytes alone.
  // Not by slice(), which of a Buffer gives a view.
  const values = new Uint8Array(file.subarray(offset, offset + length))
  if (!littleEndian) reverseBytes(values, size)
  const stored = new type.array(values.buffer)
  const data =
    stored instanceof BigInt64Array || stored instanceof BigUint64Array
      ? Float64Array.from(stored as ArrayLike<bigint>, Number)
      : stored
  if (slope === 1 && intercept === 0) return { data, spatial, space }
  const scaled = new Float32Array(data.length)
  for (let voxel = 0; voxel < data.length; voxel++) scaled[voxel] = slope * data[voxel]! + intercept
  return { data: scaled, spatial, space }
}

/** An uncompressed NIfTI-1 file of a volume. Throws {@link DataError} for a size that NIfTI-1 cannot hold. */
export function encodeNifti({ data, spatial, space }: NiftiVolume): Uint8Array {
  const fits =
    (spatial.length === 2 || spatial.length === 3) &&
    spatial.every((size) => Number.isInteger(size) && size >= 1 && size < 2 ** 15) &&
    voxelCount(spatial) === data.length
  if (!fits) {
    throw new DataError('NIfTI volume', {
      found: `${data.length} values of size ${spatial.join(' × ')}`,
      expected: 'as many values as two or three sizes below 32768 say',
      remedy: 'Give [z, y, x] or [y, x], and one value a voxel',
    })
  }
  const { code } = DATATYPES.find(({ array }) => data instanceof array)!
  const header = writeNiftiHeader(spatial, { code, bytes: data.BYTES_PER_ELEMENT }, space)
  const bytes = new Uint8Array(header.length + data.byteLength)
  bytes.set(header)
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), header.length)
  return bytes
}

/**
 * Writes a NIfTI-1 file, compressed where `path` ends in `.gz`; what was at `path` is replaced only once all is written.
 *
 * Throws {@link DataError} when the file cannot be written, and as {@link encodeNifti} does.
 */
export async function writeNifti(path: string, volume: NiftiVolume): Promise<void> {
  const bytes = encodeNifti(volume)
  const partial = `${path}.partial`
  try {
    await writeFile(partial, path.endsWith('.gz') ? await promisify(gzip)(bytes) : bytes)
    await rename(partial, path)
  } catch (cause) {
    throw new DataError(path, {
      found: `a file that cannot be written (${reasonOf(cause)})`,
      expected: 'a folder that exists, with permission and space to write',
      remedy: 'Choose another folder, or correct its permissions',
      cause,
    })
  }
}

async function unzipped(bytes: Uint8Array, name: string): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(bytes)
  } catch (cause) {
    throw new DataError(name, {
      found: `gzip that cannot be unpacked (${reasonOf(cause)})`,
      expected: 'a whole .nii.gz file',
      remedy: 'The file is damaged or cut off: copy it again',
      cause,
    })
  }
}

function reverseBytes(values: Uint8Array, size: number): void {
  for (let at = 0; at < values.length; at += size) values.subarray(at, at + size).reverse()
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
