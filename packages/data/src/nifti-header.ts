// The headers of NIfTI-1 and NIfTI-2: what the numbers are, and where their grid lies in space.
// Offsets and formulas: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h and nifti2.h
import { DataError } from '@stochseg/core'

/** Where a volume's voxels lie; kept as stored, so that a result can be written into the same space. */
export interface NiftiSpace {
  /** Along x, y and z, in {@link units}. */
  readonly voxelSize: readonly [x: number, y: number, z: number]
  /** The field `xyzt_units`; 2 is millimetres. */
  readonly units: number
  /** A rotation and a shift; none where `code` is 0. */
  readonly qform: {
    readonly code: number
    /** b, c and d of a unit quaternion. */
    readonly quaternion: readonly [b: number, c: number, d: number]
    readonly offset: readonly [x: number, y: number, z: number]
    /** `qfac`: −1 where the third axis is turned round. */
    readonly handedness: 1 | -1
  }
  /** An affine map, three rows of four; none where `code` is 0. */
  readonly sform: { readonly code: number; readonly rows: readonly number[] }
}

/** A header, as far as it is needed to read the values. */
export interface NiftiHeader {
  /** File order: `[z, y, x]`, the last axis fastest; `[y, x]` for an image of two dimensions. */
  readonly spatial: readonly number[]
  /** The field `datatype`. */
  readonly datatype: number
  /** Where the values begin. */
  readonly offset: number
  /** Meaning of a stored value: slope · stored + intercept. */
  readonly slope: number
  readonly intercept: number
  readonly littleEndian: boolean
  readonly space: NiftiSpace
}

/** Bytes of a NIfTI-1 header and of the four that say whether extensions follow. */
export const HEADER_BYTES = 352

const NIFTI1_SIZE = 348
const NIFTI2_SIZE = 540

/** Reads the header of an uncompressed file. Throws {@link DataError} for anything but a volume of one value a voxel. */
export function readNiftiHeader(bytes: Uint8Array, name: string): NiftiHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const size = bytes.length >= 4 ? [view.getInt32(0, true), view.getInt32(0, false)] : []
  const littleEndian = size[0] === NIFTI1_SIZE || size[0] === NIFTI2_SIZE
  const headerSize = littleEndian ? size[0] : size[1]
  if (headerSize !== NIFTI1_SIZE && headerSize !== NIFTI2_SIZE) {
    throw new DataError(name, {
      found: 'a file that does not begin like NIfTI',
      expected: 'NIfTI-1 or NIfTI-2 in one file, .nii or .nii.gz',
      remedy: 'Convert it, or check that it was copied in full',
    })
  }
  if (bytes.length < headerSize) {
    throw new DataError(name, {
      found: `${bytes.length} bytes`,
      expected: `a header of ${headerSize}`,
      remedy: 'The file is cut off: copy it again',
    })
  }
  const first = headerSize === NIFTI1_SIZE
  const magic = String.fromCharCode(...bytes.subarray(first ? 344 : 4, first ? 347 : 7))
  if (magic !== (first ? 'n+1' : 'n+2')) {
    throw new DataError(name, {
      found: `the format mark '${magic.replaceAll(/[^ -~]/g, '?')}'`,
      expected: `'${first ? 'n+1' : 'n+2'}', header and values in one file`,
      remedy: 'Join a pair of .hdr and .img, or an Analyze image, into one NIfTI file',
    })
  }
  const short = (at: number): number => view.getInt16(at, littleEndian)
  const float = (at: number): number =>
    first ? view.getFloat32(at, littleEndian) : view.getFloat64(at, littleEndian)
  const code = (at: number): number => (first ? short(at) : view.getInt32(at, littleEndian))
  const long = (at: number): number => (first ? short(at) : Number(view.getBigInt64(at, littleEndian)))
  const integers = (at: number, count: number): number[] => list(at, count, first ? 2 : 8, long)
  const floats = (at: number, count: number): number[] => list(at, count, first ? 4 : 8, float)

  const slope = float(first ? 112 : 176)
  const scaled = Number.isFinite(slope) && slope !== 0
  const pixel = floats(first ? 76 : 104, 4)
  return {
    spatial: spatialOf(integers(first ? 40 : 16, 8), name),
    datatype: short(first ? 70 : 12),
    offset: first ? float(108) : Number(view.getBigInt64(168, littleEndian)),
    slope: scaled ? slope : 1,
    intercept: scaled ? float(first ? 116 : 184) : 0,
    littleEndian,
    space: {
      voxelSize: pixel.slice(1) as [number, number, number],
      units: first ? view.getUint8(123) : view.getInt32(500, littleEndian),
      qform: {
        code: code(first ? 252 : 344),
        quaternion: floats(first ? 256 : 352, 3) as [number, number, number],
        offset: floats(first ? 268 : 376, 3) as [number, number, number],
        handedness: pixel[0]! < 0 ? -1 : 1,
      },
      sform: { code: code(first ? 254 : 348), rows: floats(first ? 280 : 400, 12) },
    },
  }
}

/** A little-endian NIfTI-1 header of {@link HEADER_BYTES} bytes, values right behind it, without scaling. */
export function writeNiftiHeader(
  spatial: readonly number[],
  datatype: { readonly code: number; readonly bytes: number },
  { voxelSize, units, qform, sform }: NiftiSpace,
): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  const shorts = (at: number, values: readonly number[]): void =>
    values.forEach((value, index) => {
      view.setInt16(at + 2 * index, value, true)
    })
  const floats = (at: number, values: readonly number[]): void =>
    values.forEach((value, index) => {
      view.setFloat32(at + 4 * index, value, true)
    })
  const dims = spatial.toReversed()
  view.setInt32(0, NIFTI1_SIZE, true)
  shorts(40, [dims.length, ...dims, 1, 1, 1, 1, 1].slice(0, 8))
  shorts(70, [datatype.code, 8 * datatype.bytes])
  floats(76, [qform.handedness, ...voxelSize, 1, 1, 1, 1])
  floats(108, [HEADER_BYTES, 1, 0])
  view.setUint8(123, units)
  shorts(252, [qform.code, sform.code])
  floats(256, [...qform.quaternion, ...qform.offset, ...sform.rows])
  bytes.set(new TextEncoder().encode('n+1'), 344)
  return bytes
}

/**
 * The map from voxel indices (x, y, z) to space as a 4 × 4 matrix in rows: the sform where there is one, else the qform,
 * else the voxel sizes alone.
 */
export function niftiAffine({ voxelSize, qform, sform }: NiftiSpace): number[] {
  const last = [0, 0, 0, 1]
  if (sform.code > 0) return [...sform.rows, ...last]
  const [dx, dy, dz] = voxelSize
  if (qform.code <= 0) return [dx, 0, 0, 0, 0, dy, 0, 0, 0, 0, dz, 0, ...last]
  const [b, c, d] = qform.quaternion
  // Rounding may leave b² + c² + d² a little above 1: a half turn.
  const a = Math.sqrt(Math.max(0, 1 - b * b - c * c - d * d))
  const [x, y, z] = qform.offset
  const thick = dz * qform.handedness
  return [
    ...[(a * a + b * b - c * c - d * d) * dx, 2 * (b * c - a * d) * dy, 2 * (b * d + a * c) * thick, x],
    ...[2 * (b * c + a * d) * dx, (a * a + c * c - b * b - d * d) * dy, 2 * (c * d - a * b) * thick, y],
    ...[2 * (b * d - a * c) * dx, 2 * (c * d + a * b) * dy, (a * a + d * d - b * b - c * c) * thick, z],
    ...last,
  ]
}

function list(at: number, count: number, bytes: number, read: (at: number) => number): number[] {
  return Array.from({ length: count }, (_, index) => read(at + bytes * index))
}

/** `dim` without the axes of length 1 after the third, turned into file order. */
function spatialOf(dim: readonly number[], name: string): number[] {
  const axes = dim[0]!
  const sizes = dim.slice(1, 1 + axes)
  const volume = sizes.slice(0, 3)
  if (
    axes >= 2 &&
    axes <= 7 &&
    volume.every((size) => size >= 1) &&
    sizes.slice(3).every((size) => size <= 1)
  ) {
    return volume.toReversed()
  }
  throw new DataError(name, {
    found: axes >= 1 && axes <= 7 ? `a size of ${sizes.join(' × ')}` : `${axes} dimensions`,
    expected: 'one image or volume, of 2 or 3 dimensions',
    remedy: 'Store each volume, e.g. each time or channel, in a file of its own',
  })
}
