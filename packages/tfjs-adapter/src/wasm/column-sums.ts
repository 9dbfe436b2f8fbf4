// Sums over all axes but the last ones: kernels give one sum for each share of rows, added up here in float64.
import * as tf from '@tensorflow/tfjs-core'
import { type NativeKernels, pointer, type WasmBackend, withScratch } from './native'

/** Rows of a share, as in assembly/columns.ts. */
export const SHARE_ROWS = 1024

/** The sum of each column of x as a matrix of `columns`. */
export function columnSums(
  native: NativeKernels,
  backend: WasmBackend,
  x: tf.TensorInfo,
  columns: number,
): Float64Array {
  const rows = tf.util.sizeFromShape(x.shape) / columns
  return sharesSummed(native, backend, rows, columns, 'columnSums', (sums) => [pointer(backend, x), sums])
}

/** What a kernel that writes `[shares, columns]` sums gives in all. */
export function sharesSummed(
  native: NativeKernels,
  backend: WasmBackend,
  rows: number,
  columns: number,
  kernel: string,
  pointers: (sums: number) => number[],
): Float64Array {
  const shares = Math.ceil(rows / SHARE_ROWS)
  const totals = new Float64Array(columns)
  withScratch(backend, [shares * columns], ([sums]) => {
    native.divide(kernel, { shares, operations: rows * columns }, ...pointers(sums!), rows, columns)
    const values = new Float32Array(backend.wasm.HEAPU8.buffer, sums!, shares * columns)
    for (let index = 0; index < values.length; index++) totals[index % columns]! += values[index]!
  })
  return totals
}
