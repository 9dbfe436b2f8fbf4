// Convolutions of stride 1 with planes of 3×3, in 2D or 3D, and their filter gradients, by Winograd's F(4×4, 3×3) in each
// plane: a quarter of the products.
//
// A tile's 6×6 inputs become 36 values a channel. Each of the 36 is a product of matrices over channels and the kernel's
// planes, of which neighbouring output planes share their inputs:
//   inputs   V [36, planes, tiles, inputs]      outputs  M [36, planes, tiles, outputs]
//   filter   U [36, panels, kernelZ, inputs, 8]
// with inputs in whole quads and outputs in whole octets. Functions that take `first`, `last` and `thread` do a share of the
// work, with scratch of their own; see src/kernels/parallel.ts.
import { ConvolutionSizes, octets, quads, spacedBytes } from './convolution-sizes'
import { addOuterProducts4 } from './outer-products'
import { multiply } from './products'
import { gradientTile, inputTile, outputTile, tileCount, tileScratchBytes } from './winograd-tiles'
import { transformFilter, transformFilterGradient } from './winograd-transforms'

/** Rows that one sum of products runs over before it is added to the gradient, for accuracy. */
const GRADIENT_ROWS: i32 = 128

/** Values of U. */
export function winogradFilterSize(sizes: ConvolutionSizes): i32 {
  return 36 * sizes.kernelZ * quads(sizes.inputs) * octets(sizes.outputs)
}

/** U from a filter `[kernelZ, 3, 3, inputs, outputs]`; one share for each of kernelZ · quads(inputs) rows. */
export function winogradFilter(
  first: i32,
  last: i32,
  thread: i32,
  sizes: ConvolutionSizes,
  filter: usize,
  target: usize,
  scratch: usize,
): void {
  const inputs = sizes.inputs
  const outputs = sizes.outputs
  const depth = sizes.kernelZ * quads(inputs)
  const planeBytes = (<usize>(depth * octets(outputs))) << 2
  const offsetBytes = (<usize>(inputs * outputs)) << 2
  scratch += <usize>thread * 36 * 16
  for (let row = first; row < last; row++) {
    const z = row / quads(inputs)
    const input = row % quads(inputs)
    for (let output = 0; output < octets(outputs); output += 4) {
      const place = target + ((<usize>((output >> 3) * depth + row)) << 5) + ((<usize>(output & 4)) << 2)
      if (input >= inputs || output >= outputs) {
        for (let k: usize = 0; k < 36; k++) v128.store(place + k * planeBytes, f32x4.splat(0))
        continue
      }
      const source = filter + ((<usize>((9 * z * inputs + input) * outputs + output)) << 2)
      for (let x: usize = 0; x < 3; x++) {
        transformFilter(source + x * offsetBytes, 3 * offsetBytes, scratch + x * 16, 96)
      }
      for (let y: usize = 0; y < 6; y++) {
        transformFilter(scratch + y * 96, 16, place + 6 * y * planeBytes, planeBytes)
      }
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
      const u = filter + ((k * kernelZ * depth * columns) << 2)
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
    const part = gradient + ((<usize>(share * depth * columns)) << 2)
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
  const partBytes = (<usize>(sizes.kernelZ * depth * octets(outputs))) << 2
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
