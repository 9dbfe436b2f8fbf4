// 3×3 convolutions of stride 1 and their filter gradients by Winograd's F(4×4, 3×3): a quarter of the products.
//
// The image is cut into tiles of 4×4 outputs. A tile's 6×6 inputs are transformed to 36 values a channel; each of the 36
// is a small product of matrices over channels. Tiles are taken in blocks that stay in the cache:
//   inputs   V [36, block, inputs]    outputs  M [36, block, outputs]    filter  U [36, panels, inputs, 8]
// Inputs and outputs are multiples of 8.
import { addOuterProducts4 } from './outer-products'
import { multiply } from './products'
import {
  transformFilter,
  transformFilterGradient,
  transformInput,
  transformOutput,
  transformOutputGradient,
} from './winograd-transforms'

/** Tiles in a block: 8 keep V, M and U in a second-level cache; 32 were half as fast. */
const BLOCK: i32 = 8
/** Bytes of one 6×6 tile of four channels. */
const TILE_BYTES: usize = 36 * 16

/** Bytes of scratch that the functions below need. */
export function winogradScratchBytes(inputs: i32, outputs: i32): usize {
  return TILE_BYTES * 2 + ((<usize>36 * BLOCK * (inputs + outputs)) << 2)
}

/** U from a filter `[3, 3, inputs, outputs]`. */
export function winogradFilter(
  filter: usize,
  target: usize,
  scratch: usize,
  inputs: i32,
  outputs: i32,
): void {
  const offsetBytes = (<usize>inputs * outputs) << 2
  for (let input = 0; input < inputs; input++) {
    for (let output = 0; output < outputs; output += 4) {
      const source = filter + ((<usize>input * outputs + output) << 2)
      for (let x: usize = 0; x < 3; x++) {
        transformFilter(source + x * offsetBytes, 3 * offsetBytes, scratch + x * 16, 96)
      }
      const place = target + ((<usize>((output >> 3) * inputs + input) * 8 + (output & 7)) << 2)
      for (let y: usize = 0; y < 6; y++) {
        transformFilter(scratch + y * 96, 16, place + 6 * y * offsetBytes, offsetBytes)
      }
    }
  }
}

/**
 * A convolution.
 *
 * @param input `[batch, 4 · tilesY + 2, 4 · tilesX + 2, inputs]`, padded
 * @param filter U
 * @param bias `[outputs]`, or 0 for none
 * @param output `[batch, height, width, outputs]`
 */
export function winogradConvolution(
  input: usize,
  filter: usize,
  bias: usize,
  output: usize,
  scratch: usize,
  batch: i32,
  height: i32,
  width: i32,
  inputs: i32,
  outputs: i32,
): void {
  const tilesX = (width + 3) >> 2
  const tiles = batch * ((height + 3) >> 2) * tilesX
  const v = scratch + 2 * TILE_BYTES
  const m = v + ((<usize>36 * BLOCK * inputs) << 2)
  for (let first = 0; first < tiles; first += BLOCK) {
    const count = min(BLOCK, tiles - first)
    inputTiles(input, v, scratch, first, count, height, width, inputs)
    for (let k: usize = 0; k < 36; k++) {
      const values = v + ((k * count * inputs) << 2)
      multiply(
        values,
        filter + ((k * inputs * outputs) << 2),
        m + ((k * count * outputs) << 2),
        count,
        inputs,
        outputs,
      )
    }
    outputTiles(m, bias, output, scratch, first, count, height, width, outputs)
  }
}

/**
 * The gradient `[3, 3, inputs, outputs]` of a convolution with respect to its filter.
 *
 * @param input `[batch, 4 · tilesY + 2, 4 · tilesX + 2, inputs]`, padded
 * @param dy `[batch, 4 · tilesY, 4 · tilesX, outputs]`, zeros beyond height and width
 * @param transformed `[36, inputs, outputs]`, for the gradient with respect to U
 */
export function winogradFilterGradient(
  input: usize,
  dy: usize,
  gradient: usize,
  transformed: usize,
  scratch: usize,
  batch: i32,
  height: i32,
  width: i32,
  inputs: i32,
  outputs: i32,
): void {
  const tiles = batch * ((height + 3) >> 2) * ((width + 3) >> 2)
  const planeBytes = (<usize>inputs * outputs) << 2
  const v = scratch + 2 * TILE_BYTES
  const m = v + ((<usize>36 * BLOCK * inputs) << 2)
  const inputBytes = (<usize>inputs) << 2
  const outputBytes = (<usize>outputs) << 2
  memory.fill(transformed, 0, 36 * planeBytes)
  for (let first = 0; first < tiles; first += BLOCK) {
    const count = min(BLOCK, tiles - first)
    inputTiles(input, v, scratch, first, count, height, width, inputs)
    gradientTiles(dy, m, scratch, first, count, width, outputs)
    for (let k: usize = 0; k < 36; k++) {
      let target = transformed + k * planeBytes
      for (let output = 0; output < outputs; output += 8) {
        const y = m + k * count * outputBytes + ((<usize>output) << 2)
        for (let row = 0; row < inputs; row += 4) {
          const x = v + k * count * inputBytes + ((<usize>row) << 2)
          addOuterProducts4(x, y, target, count, inputBytes, outputBytes)
          target += 128
        }
      }
    }
  }
  filterFromTransformed(transformed, gradient, scratch, inputs, outputs)
}

function inputTiles(
  input: usize,
  v: usize,
  scratch: usize,
  first: i32,
  count: i32,
  height: i32,
  width: i32,
  inputs: i32,
): void {
  const tilesX = (width + 3) >> 2
  const tilesY = (height + 3) >> 2
  const pixelBytes = (<usize>inputs) << 2
  const rowBytes = <usize>(4 * tilesX + 2) * pixelBytes
  const planeBytes = <usize>count * pixelBytes
  for (let index = 0; index < count; index++) {
    const tile = first + index
    const x = tile % tilesX
    const row = tile / tilesX
    const y = row % tilesY
    const n = row / tilesY
    const corner = input + (<usize>n * (4 * tilesY + 2) + 4 * y) * rowBytes + 4 * <usize>x * pixelBytes
    for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
      for (let column: usize = 0; column < 6; column++) {
        transformInput(corner + column * pixelBytes + channel, rowBytes, scratch + column * 16, 96)
      }
      const target = v + <usize>index * pixelBytes + channel
      for (let line: usize = 0; line < 6; line++) {
        transformInput(scratch + line * 96, 16, target + 6 * line * planeBytes, planeBytes)
      }
    }
  }
}

function gradientTiles(
  dy: usize,
  m: usize,
  scratch: usize,
  first: i32,
  count: i32,
  width: i32,
  outputs: i32,
): void {
  const tilesX = (width + 3) >> 2
  const pixelBytes = (<usize>outputs) << 2
  const rowBytes = <usize>(4 * tilesX) * pixelBytes
  const planeBytes = <usize>count * pixelBytes
  for (let index = 0; index < count; index++) {
    const tile = first + index
    const corner = dy + 4 * <usize>(tile / tilesX) * rowBytes + 4 * <usize>(tile % tilesX) * pixelBytes
    for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
      for (let column: usize = 0; column < 4; column++) {
        transformOutputGradient(corner + column * pixelBytes + channel, rowBytes, scratch + column * 16, 96)
      }
      const target = m + <usize>index * pixelBytes + channel
      for (let line: usize = 0; line < 6; line++) {
        transformOutputGradient(scratch + line * 96, 16, target + 6 * line * planeBytes, planeBytes)
      }
    }
  }
}

function outputTiles(
  m: usize,
  bias: usize,
  output: usize,
  scratch: usize,
  first: i32,
  count: i32,
  height: i32,
  width: i32,
  outputs: i32,
): void {
  const tilesX = (width + 3) >> 2
  const tilesY = (height + 3) >> 2
  const pixelBytes = (<usize>outputs) << 2
  const planeBytes = <usize>count * pixelBytes
  const results = scratch + TILE_BYTES
  for (let index = 0; index < count; index++) {
    const tile = first + index
    const x = 4 * (tile % tilesX)
    const row = tile / tilesX
    const y = 4 * (row % tilesY)
    const n = row / tilesY
    const rows = min(4, height - y)
    const columns = min(4, width - x)
    const corner = output + (<usize>(n * height + y) * width + x) * pixelBytes
    for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
      const source = m + <usize>index * pixelBytes + channel
      for (let column: usize = 0; column < 6; column++) {
        transformOutput(source + column * planeBytes, 6 * planeBytes, scratch + column * 16, 96)
      }
      const shift = bias ? v128.load(bias + channel) : f32x4.splat(0)
      for (let line = 0; line < rows; line++) {
        transformOutput(scratch + <usize>line * 96, 16, results, 16)
        const target = corner + <usize>line * width * pixelBytes + channel
        for (let column = 0; column < columns; column++) {
          const value = v128.load(results + ((<usize>column) << 4))
          v128.store(target + <usize>column * pixelBytes, f32x4.add(value, shift))
        }
      }
    }
  }
}

function filterFromTransformed(
  transformed: usize,
  gradient: usize,
  scratch: usize,
  inputs: i32,
  outputs: i32,
): void {
  const offsetBytes = (<usize>inputs * outputs) << 2
  for (let input = 0; input < inputs; input++) {
    for (let output = 0; output < outputs; output += 4) {
      const source = transformed + ((<usize>((output >> 3) * inputs + input) * 8 + (output & 7)) << 2)
      for (let column: usize = 0; column < 6; column++) {
        transformFilterGradient(source + column * offsetBytes, 6 * offsetBytes, scratch + column * 16, 96)
      }
      const target = gradient + ((<usize>input * outputs + output) << 2)
      for (let line: usize = 0; line < 3; line++) {
        transformFilterGradient(scratch + line * 96, 16, target + 3 * line * offsetBytes, offsetBytes)
      }
    }
  }
}
