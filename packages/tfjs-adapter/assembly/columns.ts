// Matrices column by column: sums, and copies of some columns.

/** Sum of each column of `[rows, columns]`, in blocks of 256 rows for accuracy. */
export function columnSums(source: usize, target: usize, rows: i32, columns: i32): void {
  const rowBytes = (<usize>columns) << 2
  memory.fill(target, 0, rowBytes)
  for (let block = 0; block < rows; block += 256) {
    const count = min(256, rows - block)
    const from = source + <usize>block * rowBytes
    let column = 0
    for (; column <= columns - 8; column += 8) {
      let read = from + ((<usize>column) << 2)
      let a = f32x4.splat(0)
      let b = f32x4.splat(0)
      for (let row = 0; row < count; row++) {
        a = f32x4.add(a, v128.load(read))
        b = f32x4.add(b, v128.load(read, 16))
        read += rowBytes
      }
      const to = target + ((<usize>column) << 2)
      v128.store(to, f32x4.add(v128.load(to), a))
      v128.store(to, f32x4.add(v128.load(to, 16), b), 16)
    }
    for (; column < columns; column++) {
      let read = from + ((<usize>column) << 2)
      let sum: f32 = 0
      for (let row = 0; row < count; row++) {
        sum += load<f32>(read)
        read += rowBytes
      }
      const to = target + ((<usize>column) << 2)
      store<f32>(to, load<f32>(to) + sum)
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
