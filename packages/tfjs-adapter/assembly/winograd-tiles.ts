// Between volumes and Winograd's transformed tiles: a tile is 4×4 outputs of one plane, which read 6×6 inputs.
//
// Channels are taken four at a time. The last four of a voxel may reach into the next voxel: what comes of those lanes meets
// zeros in the filter, or is dropped.
import { ConvolutionSizes, quads } from './convolution-sizes'
import { transformInput, transformOutput, transformOutputGradient } from './winograd-transforms'

/** Bytes of scratch for one tile's values and the intermediate of its transform. */
export function tileScratchBytes(sizes: ConvolutionSizes): usize {
  const channels = max(quads(sizes.inputs), quads(sizes.outputs)) + 4
  return TRANSFORM_BYTES + ((<usize>(36 * channels)) << 2)
}

/** Bytes of one 6×6 tile of four channels. */
const TRANSFORM_BYTES: usize = 36 * 16

/** Tiles of an output plane of all images. */
export function tileCount(sizes: ConvolutionSizes): i32 {
  return sizes.batch * tilesOf(sizes.outputY) * tilesOf(sizes.outputX)
}

/** The transformed 6×6 inputs of a tile, input plane `z` (counted with the padding): 36 rows of channels, `strideBytes` apart. */
export function inputTile(
  input: usize,
  target: usize,
  strideBytes: usize,
  scratch: usize,
  sizes: ConvolutionSizes,
  tile: i32,
  z: i32,
): void {
  const tilesX = tilesOf(sizes.outputX)
  const tilesY = tilesOf(sizes.outputY)
  const x = 4 * (tile % tilesX) - sizes.padX
  const row = tile / tilesX
  const y = 4 * (row % tilesY) - sizes.padY
  const plane = (row / tilesY) * sizes.inputZ + z - sizes.padZ
  const inside = z >= sizes.padZ && z < sizes.padZ + sizes.inputZ
  const place = (plane * sizes.inputY + y) * sizes.inputX + x
  const pixelBytes = (<usize>sizes.inputs) << 2
  let source = input + <usize>place * pixelBytes
  let rowBytes = <usize>sizes.inputX * pixelBytes
  const last = sizes.batch * sizes.inputZ * sizes.inputY * sizes.inputX - 1
  const whole =
    inside &&
    x >= 0 &&
    y >= 0 &&
    x + 6 <= sizes.inputX &&
    y + 6 <= sizes.inputY &&
    place + 5 * sizes.inputX + 5 < last
  if (!whole) {
    // At the border: a copy with zeros around.
    const patch = scratch + TRANSFORM_BYTES
    const rows = inside ? sizes.inputY : 0
    copyPatch(source, patch, x, y, 6, rows, sizes.inputX, pixelBytes)
    source = patch
    rowBytes = 6 * pixelBytes
  }
  const channelBytes = (<usize>quads(sizes.inputs)) << 2
  for (let channel: usize = 0; channel < channelBytes; channel += 16) {
    for (let column: usize = 0; column < 6; column++) {
      transformInput(source + column * pixelBytes + channel, rowBytes, scratch + column * 16, 96)
    }
    for (let line: usize = 0; line < 6; line++) {
      transformInput(scratch + line * 96, 16, target + 6 * line * strideBytes + channel, strideBytes)
    }
  }
}

/** The transformed 4×4 gradients of a tile of output plane `z`: 36 rows of channels, `strideBytes` apart. */
export function gradientTile(
  dy: usize,
  target: usize,
  strideBytes: usize,
  scratch: usize,
  sizes: ConvolutionSizes,
  tile: i32,
  z: i32,
): void {
  const tilesX = tilesOf(sizes.outputX)
  const tilesY = tilesOf(sizes.outputY)
  const x = 4 * (tile % tilesX)
  const row = tile / tilesX
  const y = 4 * (row % tilesY)
  const plane = (row / tilesY) * sizes.outputZ + z
  const place = (plane * sizes.outputY + y) * sizes.outputX + x
  const pixelBytes = (<usize>sizes.outputs) << 2
  const patch = scratch + TRANSFORM_BYTES
  copyPatch(dy + <usize>place * pixelBytes, patch, x, y, 4, sizes.outputY, sizes.outputX, pixelBytes)
  const channelBytes = (<usize>quads(sizes.outputs)) << 2
  for (let channel: usize = 0; channel < channelBytes; channel += 16) {
    for (let column: usize = 0; column < 4; column++) {
      transformOutputGradient(
        patch + column * pixelBytes + channel,
        4 * pixelBytes,
        scratch + column * 16,
        96,
      )
    }
    for (let line: usize = 0; line < 6; line++) {
      transformOutputGradient(scratch + line * 96, 16, target + 6 * line * strideBytes + channel, strideBytes)
    }
  }
}

/** A tile's outputs in plane `z` from 36 rows of channels, `strideBytes` apart; a bias is added unless it is 0. */
export function outputTile(
  source: usize,
  strideBytes: usize,
  bias: usize,
  output: usize,
  scratch: usize,
  sizes: ConvolutionSizes,
  tile: i32,
  z: i32,
): void {
  const tilesX = tilesOf(sizes.outputX)
  const tilesY = tilesOf(sizes.outputY)
  const x = 4 * (tile % tilesX)
  const row = tile / tilesX
  const y = 4 * (row % tilesY)
  const plane = (row / tilesY) * sizes.outputZ + z
  const rows = min(4, sizes.outputY - y)
  const columns = min(4, sizes.outputX - x)
  const pixelBytes = (<usize>sizes.outputs) << 2
  const patch = scratch + TRANSFORM_BYTES
  const zeros = patch + 16 * pixelBytes + 16
  v128.store(zeros, f32x4.splat(0))
  // From the last channels to the first: what reaches into the next voxel is then written over.
  for (let channel = (sizes.outputs - 1) & ~3; channel >= 0; channel -= 4) {
    const offset = (<usize>channel) << 2
    for (let column: usize = 0; column < 6; column++) {
      const from = source + column * strideBytes + offset
      transformOutput(from, 6 * strideBytes, scratch + column * 16, 96, zeros)
    }
    const shift = bias ? bias + offset : zeros
    for (let line: usize = 0; line < 4; line++) {
      transformOutput(scratch + line * 96, 16, patch + 4 * line * pixelBytes + offset, pixelBytes, shift)
    }
  }
  const corner = (plane * sizes.outputY + y) * sizes.outputX + x
  for (let line = 0; line < rows; line++) {
    const target = output + <usize>(corner + line * sizes.outputX) * pixelBytes
    memory.copy(target, patch + 4 * <usize>line * pixelBytes, <usize>columns * pixelBytes)
  }
}

/** `size` × `size` voxels from row `y`, column `x` of a plane of `rows` × `columns`; zeros beyond it, and after the last. */
function copyPatch(
  source: usize,
  target: usize,
  x: i32,
  y: i32,
  size: i32,
  rows: i32,
  columns: i32,
  pixelBytes: usize,
): void {
  const before = <usize>min(max(-x, 0), size) * pixelBytes
  const bytes = <usize>max(min(size, columns - x) - max(-x, 0), 0) * pixelBytes
  const rowBytes = <usize>size * pixelBytes
  for (let row = 0; row < size; row++) {
    if (y + row < 0 || y + row >= rows) memory.fill(target, 0, rowBytes)
    else {
      memory.fill(target, 0, before)
      memory.copy(target + before, source + before, bytes)
      memory.fill(target + before + bytes, 0, rowBytes - before - bytes)
    }
    source += <usize>columns * pixelBytes
    target += rowBytes
  }
  v128.store(target, f32x4.splat(0))
}

function tilesOf(length: i32): i32 {
  return (length + 3) >> 2
}
