// Convolutions with a kernel of one voxel: products of matrices `[rows, inputs]`, at least 4 rows.
import { octets, quads } from './convolution-sizes'
import { addOuterProducts4 } from './outer-products'
import { multiply } from './products'

/** Rows of a share of {@link pointwiseConvolution}. */
const SHARE_ROWS: i32 = 64
/** Rows that one sum of products runs over before it is added to the gradient, for accuracy. */
const GRADIENT_ROWS: i32 = 128

/**
 * x · filter + bias in shares of 64 rows.
 *
 * @param panels the filter, `[panels, inputs, 8]`
 * @param bias `[outputs]`, or 0 for none
 * @param scratch 4 · octets(outputs) values for each thread
 */
export function pointwiseConvolution(
  first: i32,
  last: i32,
  thread: i32,
  x: usize,
  panels: usize,
  bias: usize,
  y: usize,
  rows: i32,
  inputs: i32,
  outputs: i32,
  scratch: usize,
): void {
  const outputBytes = (<usize>outputs) << 2
  const scratchBytes = (<usize>octets(outputs)) << 2
  scratch += <usize>thread * 4 * scratchBytes
  const end = min(last * SHARE_ROWS, rows)
  for (let row = first * SHARE_ROWS; row < end; row += 4) {
    // The last four rows of all may be done in part before.
    const from = min(row, rows - 4)
    multiply(x + ((<usize>(from * inputs)) << 2), panels, scratch, 4, inputs, 1, 0, octets(outputs) >> 3)
    for (let index = 0; index < 4; index++) {
      const values = scratch + <usize>index * scratchBytes
      if (bias) addTo(values, bias, outputs)
      memory.copy(y + <usize>(from + index) * outputBytes, values, outputBytes)
    }
  }
}

/**
 * The filter's gradient xᵀ · dy, `[inputs, outputs]`; one share for every four inputs.
 *
 * @param scratch 4 · octets(outputs) values for each thread
 */
export function pointwiseGradient(
  first: i32,
  last: i32,
  thread: i32,
  x: usize,
  dy: usize,
  gradient: usize,
  rows: i32,
  inputs: i32,
  outputs: i32,
  scratch: usize,
): void {
  const inputBytes = (<usize>inputs) << 2
  const outputBytes = (<usize>outputs) << 2
  const tileBytes: usize = 128
  scratch += <usize>thread * ((<usize>octets(outputs)) << 4)
  for (let input = 4 * first; input < min(4 * last, quads(inputs)); input += 4) {
    memory.fill(scratch, 0, (<usize>octets(outputs)) << 4)
    for (let row = 0; row < rows; row += GRADIENT_ROWS) {
      const count = min(GRADIENT_ROWS, rows - row)
      const left = x + <usize>row * inputBytes + ((<usize>input) << 2)
      for (let output = 0; output < outputs; output += 8) {
        const right = dy + <usize>row * outputBytes + ((<usize>output) << 2)
        addOuterProducts4(left, right, scratch + ((<usize>output) << 4), count, inputBytes, outputBytes)
      }
    }
    for (let index = 0; index < min(4, inputs - input); index++) {
      for (let output = 0; output < outputs; output += 8) {
        const target = gradient + <usize>(input + index) * outputBytes + ((<usize>output) << 2)
        const source = scratch + (<usize>output >> 3) * tileBytes + ((<usize>index) << 5)
        memory.copy(target, source, (<usize>min(8, outputs - output)) << 2)
      }
    }
  }
}

function addTo(target: usize, source: usize, count: i32): void {
  for (let at: usize = 0; at < (<usize>count) << 2; at += 4) {
    store<f32>(target + at, load<f32>(target + at) + load<f32>(source + at))
  }
}
