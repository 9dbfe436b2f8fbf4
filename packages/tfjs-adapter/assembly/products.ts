// Small products of matrices in registers.

/** `[rows, depth] × [panels, depth, 8] → [rows, columns]` in tiles of 4 × 8. */
export function multiply(a: usize, b: usize, c: usize, rows: i32, depth: i32, columns: i32): void {
  const rowBytes = (<usize>depth) << 2
  const outputBytes = (<usize>columns) << 2
  for (let column = 0; column < columns; column += 8) {
    let row = 0
    for (; row <= rows - 4; row += 4) {
      multiplyTile4(
        a + <usize>row * rowBytes,
        b,
        c + <usize>row * outputBytes + ((<usize>column) << 2),
        depth,
        rowBytes,
        outputBytes,
      )
    }
    for (; row < rows; row++) {
      multiplyTile1(
        a + <usize>row * rowBytes,
        b,
        c + <usize>row * outputBytes + ((<usize>column) << 2),
        depth,
      )
    }
    b += (<usize>depth) << 5
  }
}

function multiplyTile4(x: usize, b: usize, c: usize, depth: i32, rowBytes: usize, outputBytes: usize): void {
  let a0 = f32x4.splat(0)
  let b0 = f32x4.splat(0)
  let a1 = f32x4.splat(0)
  let b1 = f32x4.splat(0)
  let a2 = f32x4.splat(0)
  let b2 = f32x4.splat(0)
  let a3 = f32x4.splat(0)
  let b3 = f32x4.splat(0)
  const row1 = x + rowBytes
  const row2 = row1 + rowBytes
  const row3 = row2 + rowBytes
  const bytes = (<usize>depth) << 2
  for (let at: usize = 0; at < bytes; at += 4) {
    const left = v128.load(b)
    const right = v128.load(b, 16)
    const x0 = v128.load32_splat(x + at)
    a0 = f32x4.add(a0, f32x4.mul(x0, left))
    b0 = f32x4.add(b0, f32x4.mul(x0, right))
    const x1 = v128.load32_splat(row1 + at)
    a1 = f32x4.add(a1, f32x4.mul(x1, left))
    b1 = f32x4.add(b1, f32x4.mul(x1, right))
    const x2 = v128.load32_splat(row2 + at)
    a2 = f32x4.add(a2, f32x4.mul(x2, left))
    b2 = f32x4.add(b2, f32x4.mul(x2, right))
    const x3 = v128.load32_splat(row3 + at)
    a3 = f32x4.add(a3, f32x4.mul(x3, left))
    b3 = f32x4.add(b3, f32x4.mul(x3, right))
    b += 32
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

function multiplyTile1(x: usize, b: usize, c: usize, depth: i32): void {
  let left = f32x4.splat(0)
  let right = f32x4.splat(0)
  for (let index = 0; index < depth; index++) {
    const value = v128.load32_splat(x)
    left = f32x4.add(left, f32x4.mul(value, v128.load(b)))
    right = f32x4.add(right, f32x4.mul(value, v128.load(b, 16)))
    x += 4
    b += 32
  }
  v128.store(c, left)
  v128.store(c, right, 16)
}
