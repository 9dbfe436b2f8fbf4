// Reads numpy's .npy files, for tests against reference data: the dtypes and the order that occur there.
import { readFileSync } from 'node:fs'

const ARRAYS = {
  '|b1': Uint8Array,
  '|u1': Uint8Array,
  '<i4': Int32Array,
  '<i8': BigInt64Array,
  '<f4': Float32Array,
  '<f8': Float64Array,
} as const

export interface NpyArray {
  readonly shape: readonly number[]
  readonly data: Uint8Array | Int32Array | Float32Array | Float64Array
}

/** Reads a C-ordered little-endian array; 64-bit integers become 32-bit ones. */
export function readNpy(path: string): NpyArray {
  const file = readFileSync(path)
  const version = file[6]
  const headerStart = version === 1 ? 10 : 12
  const headerLength = version === 1 ? file.readUInt16LE(8) : file.readUInt32LE(8)
  const header = file.toString('latin1', headerStart, headerStart + headerLength)
  const dtype = /'descr': '([^']+)'/.exec(header)?.[1]
  if (dtype === undefined || !(dtype in ARRAYS) || /'fortran_order': True/.test(header)) {
    throw new Error(`${path}: not a C-ordered array of ${Object.keys(ARRAYS)}: ${header}`)
  }
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '').split(',').filter(Boolean).map(Number)
  // A copy, because typed arrays must start at a multiple of their element size.
  const bytes = new Uint8Array(file.subarray(headerStart + headerLength)).buffer
  const data = new ARRAYS[dtype as keyof typeof ARRAYS](bytes)
  return { shape, data: data instanceof BigInt64Array ? Int32Array.from(data, Number) : data }
}
