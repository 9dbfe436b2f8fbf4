// Matrices column by column: sums of products, and copies of some columns.

/** Rows of a share. */
const SHARE_ROWS: i32 = 1024
/** Rows of one sum in float32, for accuracy. */
const SUM_ROWS: i32 = 256

/**
 * The columns' sums of `[rows, columns]`, for each share of 1024 rows.
 *
 * @param sums `[shares, columns]`
 */
export function columnSums(
  first: i32,
  last: i32,
  _thread: i32,
  a: usize,
  sums: usize,
  rows: i32,
  columns: i32,
): void {
  const bytes = (<usize>columns) << 2
  for (let share = first; share < last; share++) {
    const target = sums + <usize>share * bytes
    const end = min((share + 1) * SHARE_ROWS, rows)
    memory.fill(target, 0, bytes)
    for (let row = share * SHARE_ROWS; row < end; row += SUM_ROWS) {
      const count = min(SUM_ROWS, end - row)
      const block = a + <usize>row * bytes
      let at: usize = 0
      for (; at + 16 <= bytes; at += 16) {
        let read = block + at
        let sum = f32x4.splat(0)
        for (let index = 0; index < count; index++) {
          sum = f32x4.add(sum, v128.load(read))
          read += bytes
        }
        v128.store(target + at, f32x4.add(v128.load(target + at), sum))
      }
      for (; at < bytes; at += 4) {
        let read = block + at
        let sum: f32 = 0
        for (let index = 0; index < count; index++) {
          sum += load<f32>(read)
          read += bytes
        }
        store<f32>(target + at, load<f32>(target + at) + sum)
      }
    }
  }
}

/**
 * The columns' sums of (a − aShift)·(b − bShift), for each share of 1024 rows.
 *
 * @param a, b `[rows, columns]`
 * @param aShift, bShift `[columns]`
 * @param sums `[shares, columns]`
 */
export function columnProducts(
  first: i32,
  last: i32,
  _thread: i32,
  a: usize,
  b: usize,
  aShift: usize,
  bShift: usize,
  sums: usize,
  rows: i32,
  columns: i32,
): void {
  const bytes = (<usize>columns) << 2
  for (let share = first; share < last; share++) {
    const target = sums + <usize>share * bytes
    const end = min((share + 1) * SHARE_ROWS, rows)
    memory.fill(target, 0, bytes)
    for (let row = share * SHARE_ROWS; row < end; row += SUM_ROWS) {
      const count = min(SUM_ROWS, end - row)
      const block = <usize>row * bytes
      let at: usize = 0
      for (; at + 16 <= bytes; at += 16) {
        const left = v128.load(aShift + at)
        const right = v128.load(bShift + at)
        let offset = block + at
        let sum = f32x4.splat(0)
        for (let index = 0; index < count; index++) {
          const x = f32x4.sub(v128.load(a + offset), left)
          const y = f32x4.sub(v128.load(b + offset), right)
          sum = f32x4.add(sum, f32x4.mul(x, y))
          offset += bytes
        }
        v128.store(target + at, f32x4.add(v128.load(target + at), sum))
      }
      for (; at < bytes; at += 4) {
        const left = load<f32>(aShift + at)
        const right = load<f32>(bShift + at)
        let offset = block + at
        let sum: f32 = 0
        for (let index = 0; index < count; index++) {
          sum += (load<f32>(a + offset) - left) * (load<f32>(b + offset) - right)
          offset += bytes
        }
        store<f32>(target + at, load<f32>(target + at) + sum)
      }
    }
  }
}

/**
 * y = a·aScale + b·bScale + shift in each column; without b where it is 0. Shares of 1024 rows.
 *
 * @param a, b, y `[rows, columns]`
 * @param coefficients aScale, shift and bScale, `[3, columns]`
 */
export function scaleColumns(
  first: i32,
  last: i32,
  _thread: i32,
  a: usize,
  b: usize,
  coefficients: usize,
  y: usize,
  rows: i32,
  columns: i32,
): void {
  const bytes = (<usize>columns) << 2
  const shift = coefficients + bytes
  const bScale = shift + bytes
  const end = <usize>min(last * SHARE_ROWS, rows) * bytes
  for (let row = <usize>(first * SHARE_ROWS) * bytes; row < end; row += bytes) {
    let at: usize = 0
    for (; at + 16 <= bytes; at += 16) {
      const scaled = f32x4.mul(v128.load(a + row + at), v128.load(coefficients + at))
      let value = f32x4.add(scaled, v128.load(shift + at))
      if (b) value = f32x4.add(value, f32x4.mul(v128.load(b + row + at), v128.load(bScale + at)))
      v128.store(y + row + at, value)
    }
    for (; at < bytes; at += 4) {
      let value = load<f32>(a + row + at) * load<f32>(coefficients + at) + load<f32>(shift + at)
      if (b) value += load<f32>(b + row + at) * load<f32>(bScale + at)
      store<f32>(y + row + at, value)
    }
  }
}

/** The first `columns` of each row: `[rows, sourceColumns]` from `source` on to `[rows, columns]`. */
export function copyColumns(source: usize, target: usize, rows: i32, sourceColumns: i32, columns: i32): void {
  for (let row = 0; row < rows; row++) {
    let column = 0
    for (; column <= columns - 4; column += 4) {
      v128.store(target + ((<usize>column) << 2), v128.load(source + ((<usize>column) << 2)))
    }
    for (; column < columns; column++) {
      store<f32>(target + ((<usize>column) << 2), load<f32>(source + ((<usize>column) << 2)))
    }
    source += (<usize>sourceColumns) << 2
    target += (<usize>columns) << 2
  }
}
