// Linear up-sampling along one axis and its transpose.

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
