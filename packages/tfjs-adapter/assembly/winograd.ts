// Convolutions of stride 1 with planes of 3×3, in 2D or 3D, and their filter gradients, by Winograd's F(4×4, 3×3) in each
// plane: a quarter of the products.
//
// A tile's 6×6 inputs become 36 values a channel. Each of the 36 is a product of matrices over channels and the kernel's
// planes, of which neighbouring output planes share their inputs:
//   inputs   V [36, planes, tiles, inputs]      outputs  M [36, planes, tiles, outputs]
//   filter   U [36, panels, kernelZ, inputs, 8]
// with inputs in whole quads and outputs in whole octets. Functions that take `first`, `last` and `thread` do a share of the
// work, with scratch of their own; see src/wasm/shares.ts.
import { ConvolutionSizes, octets, quads, spacedBytes } from './convolution-sizes'
import { addOuterProducts4 } from './outer-products'
import { multiply } from './products'
import { gradientTile, inputTile, outputTile, tileCount, tileScratchBytes } from './winograd-tiles'
import { transformFilter, transformFilterGradient } from './winograd-transforms'

/** Rows that one sum of products runs over before it is added to the gradient, for accuracy. */
const GRADIENT_ROWS: i32 = 128

/** Bytes of one of U's 36 parts. */
function filterBytes(sizes: ConvolutionSizes): usize {
  return spacedBytes(sizes.kernelZ * quads(sizes.inputs) * octets(sizes.outputs))
}

/** Bytes of U. */
export function winogradFilterBytes(sizes: ConvolutionSizes): usize {
  return 36 * filterBytes(sizes)
}

/**
 * U from a filter `[kernelZ, 3, 3, inputs, outputs]`, or, for the gradient with respect to the input, from a filter
 * `[kernelZ, 3, 3, outputs, inputs]` that is turned round. One share for each of kernelZ · octets(outputs) / 8 panels.
 */
export function winogradFilter(
  first: i32,
  last: i32,
  thread: i32,
  sizes: ConvolutionSizes,
  filter: usize,
  turned: i32,
  target: usize,
  scratch: usize,
): void {
  const inputs = sizes.inputs
  const outputs = sizes.outputs
  const depth = quads(inputs)
  const planeBytes = filterBytes(sizes)
  const taps = scratch + <usize>thread * 45 * 16
  const columns = taps + 9 * 16
  for (let share = first; share < last; share++) {
    const z = share % sizes.kernelZ
    const panel = share / sizes.kernelZ
    const plane = turned ? sizes.kernelZ - 1 - z : z
    const source = filter + ((<usize>(9 * plane * inputs * outputs)) << 2)
    for (let row = 0; row < 2 * depth; row++) {
      const input = row >> 1
      const output = 8 * panel + 4 * (row & 1)
      const place = target + ((<usize>((panel * sizes.kernelZ + z) * depth)) << 5) + ((<usize>row) << 4)
      if (input >= inputs || output >= outputs) {
        for (let k: usize = 0; k < 36; k++) v128.store(place + k * planeBytes, f32x4.splat(0))
        continue
      }
      if (turned) turnedTaps(source, taps, inputs, outputs, input, output)
      else {
        const values = source + ((<usize>(input * outputs + output)) << 2)
        for (let tap = 0; tap < 9; tap++) {
          v128.store(taps + ((<usize>tap) << 4), v128.load(values + ((<usize>(tap * inputs * outputs)) << 2)))
        }
      }
      for (let x: usize = 0; x < 3; x++) transformFilter(taps + x * 16, 48, columns + x * 16, 96)
      for (let y: usize = 0; y < 6; y++) {
        transformFilter(columns + y * 96, 16, place + 6 * y * planeBytes, planeBytes)
      }
    }
  }
}

/** The taps, the last first, of four outputs of a filter `[3, 3, outputs, inputs]`; zeros beyond the last output. */
function turnedTaps(source: usize, target: usize, inputs: i32, outputs: i32, input: i32, output: i32): void {
  for (let tap = 0; tap < 9; tap++) {
    const values = source + ((<usize>((8 - tap) * inputs * outputs + input)) << 2)
    for (let lane = 0; lane < 4; lane++) {
      const present = output + lane < outputs
      const at = values + ((<usize>((output + lane) * inputs)) << 2)
      store<f32>(target + ((<usize>(4 * tap + lane)) << 2), present ? load<f32>(at) : 0)
    }
  }
}

/** Shares of a convolution: blocks of tiles and planes. */
export function winogradShares(sizes: ConvolutionSizes): i32 {
  const blocks = (tileCount(sizes) + sizes.blockTiles - 1) / sizes.blockTiles
  return blocks * ((sizes.outputZ + sizes.blockPlanes - 1) / sizes.blockPlanes)
}

/** Bytes of scratch that a thread needs for {@link winogradConvolution}. */
export function winogradScratchBytes(sizes: ConvolutionSizes): usize {
  return tileScratchBytes(sizes) + 36 * (inputBytes(sizes) + outputBytes(sizes))
}

/**
 * A convolution.
 *
 * @param input `[batch, inputZ, inputY, inputX, inputs]`
 * @param filter U
 * @param bias `[outputs]`, or 0 for none
 * @param output `[batch, outputZ, outputY, outputX, outputs]`
 */
export function winogradConvolution(
  first: i32,
  last: i32,
  thread: i32,
  sizes: ConvolutionSizes,
  input: usize,
  filter: usize,
  bias: usize,
  output: usize,
  scratch: usize,
): void {
  const depth = quads(sizes.inputs)
  const columns = octets(sizes.outputs)
  const kernelZ = sizes.kernelZ
  const vStride = inputBytes(sizes)
  const mStride = outputBytes(sizes)
  scratch += <usize>thread * winogradScratchBytes(sizes)
  const v = scratch + tileScratchBytes(sizes)
  const m = v + 36 * vStride
  const chunks = (sizes.outputZ + sizes.blockPlanes - 1) / sizes.blockPlanes
  for (let share = first; share < last; share++) {
    const z = (share % chunks) * sizes.blockPlanes
    const planes = min(sizes.blockPlanes, sizes.outputZ - z)
    const tile = (share / chunks) * sizes.blockTiles
    const tiles = min(sizes.blockTiles, tileCount(sizes) - tile)
    for (let plane = 0; plane < planes + kernelZ - 1; plane++) {
      for (let index = 0; index < tiles; index++) {
        const place = v + ((<usize>((plane * tiles + index) * depth)) << 2)
        inputTile(input, place, vStride, scratch, sizes, tile + index, z + plane)
      }
    }
    const partBytes = (<usize>(tiles * depth)) << 2
    for (let k: usize = 0; k < 36; k++) {
      const u = filter + k * filterBytes(sizes)
      multiply(v + k * vStride, u, m + k * mStride, planes * tiles, depth, kernelZ, partBytes, columns >> 3)
    }
    for (let plane = 0; plane < planes; plane++) {
      for (let index = 0; index < tiles; index++) {
        const place = m + ((<usize>((plane * tiles + index) * columns)) << 2)
        outputTile(place, mStride, bias, output, scratch, sizes, tile + index, z + plane)
      }
    }
  }
}

/** Bytes of one of V's 36 parts, for a block. */
function inputBytes(sizes: ConvolutionSizes): usize {
  const rows = sizes.blockTiles * (sizes.blockPlanes + sizes.kernelZ - 1) + 3
  return spacedBytes(rows * quads(sizes.inputs))
}

/** Bytes of one of M's 36 parts, for a block. */
function outputBytes(sizes: ConvolutionSizes): usize {
  return spacedBytes(quads(sizes.blockTiles * sizes.blockPlanes) * octets(sizes.outputs))
}

/** Bytes of scratch that a thread needs for {@link winogradGradientTiles}. */
export function winogradTileBytes(sizes: ConvolutionSizes): usize {
  return tileScratchBytes(sizes)
}

/** Bytes of V and M of {@link winogradGradientTiles}: all planes of `blockTiles` tiles. */
export function winogradGradientBytes(sizes: ConvolutionSizes): usize {
  return 36 * (gradientInputBytes(sizes) + gradientOutputBytes(sizes))
}

function gradientInputBytes(sizes: ConvolutionSizes): usize {
  return spacedBytes(sizes.blockTiles * (sizes.outputZ + sizes.kernelZ - 1) * quads(sizes.inputs))
}

function gradientOutputBytes(sizes: ConvolutionSizes): usize {
  return spacedBytes(sizes.blockTiles * sizes.outputZ * octets(sizes.outputs))
}

/**
 * For a filter's gradient, V of the inputs and M of the gradients of a block's tiles; one share for each of its
 * outputZ + kernelZ − 1 planes and tiles.
 */
export function winogradGradientTiles(
  first: i32,
  last: i32,
  thread: i32,
  sizes: ConvolutionSizes,
  input: usize,
  dy: usize,
  transformed: usize,
  block: i32,
  scratch: usize,
): void {
  const vStride = gradientInputBytes(sizes)
  const mStride = gradientOutputBytes(sizes)
  const m = transformed + 36 * vStride
  const tile = block * sizes.blockTiles
  const tiles = min(sizes.blockTiles, tileCount(sizes) - tile)
  scratch += <usize>thread * tileScratchBytes(sizes)
  for (let share = first; share < min(last, tiles * (sizes.outputZ + sizes.kernelZ - 1)); share++) {
    const plane = share / tiles
    const index = tile + (share % tiles)
    const place = transformed + ((<usize>(share * quads(sizes.inputs))) << 2)
    inputTile(input, place, vStride, scratch, sizes, index, plane)
    if (plane >= sizes.outputZ) continue
    const target = m + ((<usize>(share * octets(sizes.outputs))) << 2)
    gradientTile(dy, target, mStride, scratch, sizes, index, plane)
  }
}

/** Adds a block's products to the gradient with respect to U `[36, kernelZ, panels, inputs, 8]`; 36 · kernelZ shares. */
export function winogradGradientProducts(
  first: i32,
  last: i32,
  _thread: i32,
  sizes: ConvolutionSizes,
  transformed: usize,
  gradient: usize,
  block: i32,
): void {
  const depth = quads(sizes.inputs)
  const columns = octets(sizes.outputs)
  const vStride = gradientInputBytes(sizes)
  const mStride = gradientOutputBytes(sizes)
  const tiles = min(sizes.blockTiles, tileCount(sizes) - block * sizes.blockTiles)
  const rowBytes = (<usize>depth) << 2
  const columnBytes = (<usize>columns) << 2
  const rows = sizes.outputZ * tiles
  for (let share = first; share < last; share++) {
    const k = <usize>(share / sizes.kernelZ)
    const z = share % sizes.kernelZ
    const v = transformed + k * vStride + <usize>(z * tiles) * rowBytes
    const m = transformed + 36 * vStride + k * mStride
    const part = gradient + k * filterBytes(sizes) + ((<usize>(z * depth * columns)) << 2)
    if (block === 0) memory.fill(part, 0, (<usize>(depth * columns)) << 2)
    for (let row = 0; row < rows; row += GRADIENT_ROWS) {
      const count = min(GRADIENT_ROWS, rows - row)
      let target = part
      for (let output = 0; output < columns; output += 8) {
        const y = m + <usize>row * columnBytes + ((<usize>output) << 2)
        for (let input = 0; input < depth; input += 4) {
          const x = v + <usize>row * rowBytes + ((<usize>input) << 2)
          addOuterProducts4(x, y, target, count, rowBytes, columnBytes)
          target += 128
        }
      }
    }
  }
}

/** The gradient `[kernelZ, 3, 3, inputs, outputs]` from that with respect to U; one share for each of kernelZ · inputs rows. */
export function winogradGradientFilter(
  first: i32,
  last: i32,
  thread: i32,
  sizes: ConvolutionSizes,
  transformed: usize,
  gradient: usize,
  scratch: usize,
): void {
  const inputs = sizes.inputs
  const outputs = sizes.outputs
  const depth = quads(inputs)
  const partBytes = filterBytes(sizes)
  const results = scratch + <usize>thread * 45 * 16
  const lines = results + 9 * 16
  const offsetBytes = (<usize>(inputs * outputs)) << 2
  for (let row = first; row < last; row++) {
    const z = row / inputs
    const input = row % inputs
    for (let output = 0; output < outputs; output += 4) {
      const panel = z * octets(outputs) * depth + ((output >> 3) * depth + input) * 8 + (output & 4)
      const source = transformed + ((<usize>panel) << 2)
      for (let column: usize = 0; column < 6; column++) {
        transformFilterGradient(source + column * partBytes, 6 * partBytes, lines + column * 16, 96)
      }
      for (let line: usize = 0; line < 3; line++) {
        transformFilterGradient(lines + line * 96, 16, results + line * 48, 16)
      }
      const bytes = (<usize>min(4, outputs - output)) << 2
      const target = gradient + ((<usize>((9 * z * inputs + input) * outputs + output)) << 2)
      for (let tap: usize = 0; tap < 9; tap++) {
        memory.copy(target + tap * offsetBytes, results + tap * 16, bytes)
      }
    }
  }
}
