// Kernels over TF.js' own WASM memory: pointers in, nothing allocated, no state. Arrays are float32.

/**
 * Gradient of a stride-1 convolution with respect to its filter.
 *
 * For every output row and kernel row, a product of matrices: the input row's `kernelX · inputs` consecutive values
 * seen from each voxel, transposed, times dy. Tiles of 4 of those values × 8 output channels stay in registers.
 *
 * @param input `[batch, outputZ + kernelZ − 1, outputY + kernelY − 1, outputX + kernelX − 1, inputs]`, padded
 * @param dy `[panels, batch, outputZ, outputY, outputX, 8]`
 * @param gradient `[panels, kernelZ, kernelY, kernelX · inputs, 8]`
 */
export function filterGradient(
  input: usize,
  dy: usize,
  gradient: usize,
  panels: i32,
  batch: i32,
  outputZ: i32,
  outputY: i32,
  outputX: i32,
  inputs: i32,
  kernelZ: i32,
  kernelY: i32,
  kernelX: i32,
): void {
  const rows = kernelX * inputs
  memory.fill(gradient, 0, (<usize>(panels * kernelZ * kernelY * rows)) << 5)
  const pixelBytes = (<usize>inputs) << 2
  const rowBytes = <usize>(outputX + kernelX - 1) * pixelBytes
  const planeBytes = <usize>(outputY + kernelY - 1) * rowBytes
  const itemBytes = <usize>(outputZ + kernelZ - 1) * planeBytes
  for (let panel = 0; panel < panels; panel++) {
    for (let n = 0; n < batch; n++) {
      for (let z = 0; z < outputZ; z++) {
        for (let y = 0; y < outputY; y++) {
          let target = gradient
          for (let kz = 0; kz < kernelZ; kz++) {
            for (let ky = 0; ky < kernelY; ky++) {
              let seen =
                input + <usize>n * itemBytes + <usize>(z + kz) * planeBytes + <usize>(y + ky) * rowBytes
              let row = 0
              for (; row <= rows - 4; row += 4) {
                addTile4(seen, dy, target, outputX, pixelBytes)
                seen += 16
                target += 128
              }
              for (; row < rows; row++) {
                addTile1(seen, dy, target, outputX, pixelBytes)
                seen += 4
                target += 32
              }
            }
          }
          dy += (<usize>outputX) << 5
        }
      }
    }
    gradient += (<usize>(kernelZ * kernelY * rows)) << 5
  }
}

function addTile4(seen: usize, dy: usize, target: usize, pixels: i32, pixelBytes: usize): void {
  let a0 = v128.load(target)
  let b0 = v128.load(target, 16)
  let a1 = v128.load(target, 32)
  let b1 = v128.load(target, 48)
  let a2 = v128.load(target, 64)
  let b2 = v128.load(target, 80)
  let a3 = v128.load(target, 96)
  let b3 = v128.load(target, 112)
  for (let pixel = 0; pixel < pixels; pixel++) {
    const a = v128.load(dy)
    const b = v128.load(dy, 16)
    const x0 = v128.load32_splat(seen)
    a0 = f32x4.add(a0, f32x4.mul(x0, a))
    b0 = f32x4.add(b0, f32x4.mul(x0, b))
    const x1 = v128.load32_splat(seen, 4)
    a1 = f32x4.add(a1, f32x4.mul(x1, a))
    b1 = f32x4.add(b1, f32x4.mul(x1, b))
    const x2 = v128.load32_splat(seen, 8)
    a2 = f32x4.add(a2, f32x4.mul(x2, a))
    b2 = f32x4.add(b2, f32x4.mul(x2, b))
    const x3 = v128.load32_splat(seen, 12)
    a3 = f32x4.add(a3, f32x4.mul(x3, a))
    b3 = f32x4.add(b3, f32x4.mul(x3, b))
    dy += 32
    seen += pixelBytes
  }
  v128.store(target, a0)
  v128.store(target, b0, 16)
  v128.store(target, a1, 32)
  v128.store(target, b1, 48)
  v128.store(target, a2, 64)
  v128.store(target, b2, 80)
  v128.store(target, a3, 96)
  v128.store(target, b3, 112)
}

function addTile1(seen: usize, dy: usize, target: usize, pixels: i32, pixelBytes: usize): void {
  let a0 = v128.load(target)
  let b0 = v128.load(target, 16)
  for (let pixel = 0; pixel < pixels; pixel++) {
    const x0 = v128.load32_splat(seen)
    a0 = f32x4.add(a0, f32x4.mul(x0, v128.load(dy)))
    b0 = f32x4.add(b0, f32x4.mul(x0, v128.load(dy, 16)))
    dy += 32
    seen += pixelBytes
  }
  v128.store(target, a0)
  v128.store(target, b0, 16)
}

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

/**
 * Linear up-sampling of the middle axis, half-pixel centres, clamped: `[outer, size, inner]` to
 * `[outer, size · factor, inner]`.
 */
export function interpolate(
  source: usize,
  target: usize,
  outer: i32,
  size: i32,
  factor: i32,
  inner: i32,
): void {
  const bytes = (<usize>inner) << 2
  for (let item = 0; item < outer; item++) {
    for (let row = 0; row < size * factor; row++) {
      const position = (<f32>row + 0.5) / <f32>factor - 0.5
      const lower = <i32>Mathf.floor(position)
      const weight = position - <f32>lower
      const a = source + <usize>max(lower, 0) * bytes
      const b = source + <usize>min(lower + 1, size - 1) * bytes
      const weights = f32x4.splat(weight)
      let column = 0
      for (; column <= inner - 4; column += 4) {
        const offset = (<usize>column) << 2
        const x = v128.load(a + offset)
        const difference = f32x4.sub(v128.load(b + offset), x)
        v128.store(target + offset, f32x4.add(x, f32x4.mul(weights, difference)))
      }
      for (; column < inner; column++) {
        const offset = (<usize>column) << 2
        const x = load<f32>(a + offset)
        store<f32>(target + offset, x + weight * (load<f32>(b + offset) - x))
      }
      target += bytes
    }
    source += <usize>size * bytes
  }
}

/** The transpose of {@link interpolate}: `[outer, size · factor, inner]` to `[outer, size, inner]`. */
export function interpolateTransposed(
  source: usize,
  target: usize,
  outer: i32,
  size: i32,
  factor: i32,
  inner: i32,
): void {
  const bytes = (<usize>inner) << 2
  memory.fill(target, 0, <usize>(outer * size) * bytes)
  for (let item = 0; item < outer; item++) {
    for (let row = 0; row < size * factor; row++) {
      const position = (<f32>row + 0.5) / <f32>factor - 0.5
      const lower = <i32>Mathf.floor(position)
      const weight = position - <f32>lower
      addScaled(source, target + <usize>max(lower, 0) * bytes, 1 - weight, inner)
      addScaled(source, target + <usize>min(lower + 1, size - 1) * bytes, weight, inner)
      source += bytes
    }
    target += <usize>size * bytes
  }
}

function addScaled(source: usize, target: usize, scale: f32, count: i32): void {
  const scales = f32x4.splat(scale)
  let index = 0
  for (; index <= count - 4; index += 4) {
    const offset = (<usize>index) << 2
    const sum = f32x4.add(v128.load(target + offset), f32x4.mul(scales, v128.load(source + offset)))
    v128.store(target + offset, sum)
  }
  for (; index < count; index++) {
    const offset = (<usize>index) << 2
    store<f32>(target + offset, load<f32>(target + offset) + scale * load<f32>(source + offset))
  }
}
