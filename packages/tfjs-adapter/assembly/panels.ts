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

/**
 * A filter `[taps, inputs, outputs]` turned round: `[taps, outputs, inputs]`, the last tap first. One share for each tap.
 */
export function turnFilter(
  first: i32,
  last: i32,
  _thread: i32,
  source: usize,
  target: usize,
  taps: i32,
  inputs: i32,
  outputs: i32,
): void {
  const bytes = (<usize>(inputs * outputs)) << 2
  for (let tap = first; tap < last; tap++) {
    const from = source + <usize>tap * bytes
    const to = target + <usize>(taps - 1 - tap) * bytes
    for (let input = 0; input < inputs; input++) {
      for (let output = 0; output < outputs; output++) {
        const value = load<f32>(from + ((<usize>(input * outputs + output)) << 2))
        store<f32>(to + ((<usize>(output * inputs + input)) << 2), value)
      }
    }
  }
}
