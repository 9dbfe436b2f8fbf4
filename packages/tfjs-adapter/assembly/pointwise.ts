// Convolutions with a kernel of one voxel: products of matrices `[rows, inputs]`, at least 4 rows.
import { octets, quads } from './convolution-sizes'
import { addOuterProducts4 } from './outer-products'
import { multiply } from './products'

/** Rows of a share of {@link pointwiseConvolution}. */
const SHARE_ROWS: i32 = 64
/** Inputs of a share of {@link pointwiseGradient}. */
const SHARE_INPUTS: i32 = 16
/** Rows that one sum of products runs over before it is added to the gradient, for accuracy. */
const GRADIENT_ROWS: i32 = 64

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
 * The filter's gradient xᵀ · dy, `[inputs, outputs]`; one share for every 16 inputs.
 *
 * @param sums scratch, quads(inputs) · octets(outputs) values
 */
export function pointwiseGradient(
  first: i32,
  last: i32,
  _thread: i32,
  x: usize,
  dy: usize,
  gradient: usize,
  rows: i32,
  inputs: i32,
  outputs: i32,
  sums: usize,
): void {
  const inputBytes = (<usize>inputs) << 2
  const outputBytes = (<usize>outputs) << 2
  const quadBytes = (<usize>octets(outputs)) << 4
  const end = min(SHARE_INPUTS * last, quads(inputs))
  const start = sums + <usize>((SHARE_INPUTS * first) >> 2) * quadBytes
  memory.fill(start, 0, <usize>((end - SHARE_INPUTS * first) >> 2) * quadBytes)
  for (let row = 0; row < rows; row += GRADIENT_ROWS) {
    const count = min(GRADIENT_ROWS, rows - row)
    let target = start
    for (let input = SHARE_INPUTS * first; input < end; input += 4) {
      const left = x + <usize>row * inputBytes + ((<usize>input) << 2)
      for (let output = 0; output < outputs; output += 8) {
        const right = dy + <usize>row * outputBytes + ((<usize>output) << 2)
        addOuterProducts4(left, right, target, count, inputBytes, outputBytes)
        target += 128
      }
    }
  }
  for (let input = SHARE_INPUTS * first; input < min(end, inputs); input++) {
    const source = sums + <usize>(input >> 2) * quadBytes + ((<usize>(input & 3)) << 5)
    for (let output = 0; output < outputs; output += 8) {
      const target = gradient + <usize>input * outputBytes + ((<usize>output) << 2)
      memory.copy(target, source + ((<usize>output) << 4), (<usize>min(8, outputs - output)) << 2)
    }
  }
}

function addTo(target: usize, source: usize, count: i32): void {
  for (let at: usize = 0; at < (<usize>count) << 2; at += 4) {
    store<f32>(target + at, load<f32>(target + at) + load<f32>(source + at))
  }
}
