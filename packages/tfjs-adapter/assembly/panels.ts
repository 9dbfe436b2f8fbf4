// Between rows of channels and panels of 8 channels, in which filter gradients are computed.

/** `[rows, columns]` into panels of 8 columns `[panels, rows, 8]`, zeros beyond the last column. */
export function packPanels(source: usize, target: usize, rows: i32, columns: i32): void {
  for (let column = 0; column < columns; column += 8) {
    const present = min(8, columns - column)
    let from = source + ((<usize>column) << 2)
    for (let row = 0; row < rows; row++) {
      if (present === 8) {
        v128.store(target, v128.load(from))
        v128.store(target, v128.load(from, 16), 16)
      } else {
        memory.fill(target, 0, 32)
        memory.copy(target, from, (<usize>present) << 2)
      }
      from += (<usize>columns) << 2
      target += 32
    }
  }
}

/** The inverse of {@link packPanels}. */
export function unpackPanels(source: usize, target: usize, rows: i32, columns: i32): void {
  for (let column = 0; column < columns; column += 8) {
    const bytes = (<usize>min(8, columns - column)) << 2
    let to = target + ((<usize>column) << 2)
    for (let row = 0; row < rows; row++) {
      memory.copy(to, source, bytes)
      to += (<usize>columns) << 2
      source += 32
    }
  }
}

/** `[rows, columns]` to `[columns, rows]`. */
export function transpose(source: usize, target: usize, rows: i32, columns: i32): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = load<f32>(source + ((<usize>(row * columns + column)) << 2))
      store<f32>(target + ((<usize>(column * rows + row)) << 2), value)
    }
  }
}
