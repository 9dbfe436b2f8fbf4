// Products of matrices in registers, in tiles of 4 × 8.
import { multiplyAdd } from './multiply-add'

/**
 * `[rows, parts · depth] × [panels, parts · depth, 8] → [⌈rows / 4⌉ · 4, panels · 8]`.
 *
 * A row's parts lie `partBytes` apart. What the rows beyond the last read must be memory; what they give is of no use.
 */
export function multiply(
  a: usize,
  b: usize,
  c: usize,
  rows: i32,
  depth: i32,
  parts: i32,
  partBytes: usize,
  panels: i32,
): void {
  const rowBytes = (<usize>depth) << 2
  const outputBytes = (<usize>panels) << 5
  const panelBytes = (<usize>(depth * parts)) << 5
  for (let panel = 0; panel < panels; panel++) {
    for (let row = 0; row < rows; row += 4) {
      const target = c + <usize>row * outputBytes + ((<usize>panel) << 5)
      multiplyTile(a + <usize>row * rowBytes, b, target, depth, parts, partBytes, rowBytes, outputBytes)
    }
    b += panelBytes
  }
}

function multiplyTile(
  x: usize,
  b: usize,
  c: usize,
  depth: i32,
  parts: i32,
  partBytes: usize,
  rowBytes: usize,
  outputBytes: usize,
): void {
  let a0 = f32x4.splat(0)
  let b0 = f32x4.splat(0)
  let a1 = f32x4.splat(0)
  let b1 = f32x4.splat(0)
  let a2 = f32x4.splat(0)
  let b2 = f32x4.splat(0)
  let a3 = f32x4.splat(0)
  let b3 = f32x4.splat(0)
  for (let part = 0; part < parts; part++) {
    let row0 = x
    let row1 = row0 + rowBytes
    let row2 = row1 + rowBytes
    let row3 = row2 + rowBytes
    const end = b + ((<usize>depth) << 5)
    while (b < end) {
      const left = v128.load(b)
      const right = v128.load(b, 16)
      const x0 = v128.load32_splat(row0)
      a0 = multiplyAdd(x0, left, a0)
      b0 = multiplyAdd(x0, right, b0)
      const x1 = v128.load32_splat(row1)
      a1 = multiplyAdd(x1, left, a1)
      b1 = multiplyAdd(x1, right, b1)
      const x2 = v128.load32_splat(row2)
      a2 = multiplyAdd(x2, left, a2)
      b2 = multiplyAdd(x2, right, b2)
      const x3 = v128.load32_splat(row3)
      a3 = multiplyAdd(x3, left, a3)
      b3 = multiplyAdd(x3, right, b3)
      row0 += 4
      row1 += 4
      row2 += 4
      row3 += 4
      b += 32
    }
    x += partBytes
  }
  v128.store(c, a0)
  v128.store(c, b0, 16)
  c += outputBytes
  v128.store(c, a1)
  v128.store(c, b1, 16)
  c += outputBytes
  v128.store(c, a2)
  v128.store(c, b2, 16)
  c += outputBytes
  v128.store(c, a3)
  v128.store(c, b3, 16)
}
