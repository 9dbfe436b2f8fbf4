// Pointwise operations and their gradients, in shares of 4096 values.

const SHARE_BYTES: usize = 4096 * 4

/**
 * The gradient of a leaky ReLU: dx = dy where x > 0, else slope · dy. For each share, the sum of dy · x where x ≤ 0: the
 * slope's gradient.
 *
 * @param slope one value
 * @param sums `[shares]`
 */
export function leakyGradient(
  first: i32,
  last: i32,
  _thread: i32,
  dy: usize,
  x: usize,
  slope: usize,
  dx: usize,
  sums: usize,
  count: i32,
): void {
  const bytes = (<usize>count) << 2
  const slopes = v128.load32_splat(slope)
  const zero = f32x4.splat(0)
  for (let share = first; share < last; share++) {
    let sum = zero
    let at = <usize>share * SHARE_BYTES
    const end = min(at + SHARE_BYTES, bytes)
    for (; at + 16 <= end; at += 16) {
      const values = v128.load(x + at)
      const gradient = v128.load(dy + at)
      const positive = f32x4.gt(values, zero)
      v128.store(dx + at, v128.bitselect(gradient, f32x4.mul(gradient, slopes), positive))
      sum = f32x4.add(sum, v128.andnot(f32x4.mul(gradient, values), positive))
    }
    let total =
      f32x4.extract_lane(sum, 0) +
      f32x4.extract_lane(sum, 1) +
      f32x4.extract_lane(sum, 2) +
      f32x4.extract_lane(sum, 3)
    for (; at < end; at += 4) {
      const value = load<f32>(x + at)
      const gradient = load<f32>(dy + at)
      store<f32>(dx + at, value > 0 ? gradient : gradient * load<f32>(slope))
      if (!(value > 0)) total += gradient * value
    }
    store<f32>(sums + ((<usize>share) << 2), total)
  }
}

/**
 * Dropout: keeps a value, times `scale`, where the hash of its index and the key lies at or above `threshold`; else 0.
 *
 * @param scale one value
 */
export function dropout(
  first: i32,
  last: i32,
  _thread: i32,
  x: usize,
  y: usize,
  count: i32,
  key: u32,
  threshold: u32,
  scale: usize,
): void {
  const factor = load<f32>(scale)
  const end = min(last * (<i32>SHARE_BYTES >> 2), count)
  for (let index = first * (<i32>SHARE_BYTES >> 2); index < end; index++) {
    const at = (<usize>index) << 2
    const keep = mixed(mixed(<u32>index) ^ key) >= threshold
    store<f32>(y + at, keep ? load<f32>(x + at) * factor : 0)
  }
}

/** A bijection of 32 bits in which every bit depends on all (constants found by search: C. Wellons, hash-prospector). */
function mixed(value: u32): u32 {
  value = (value ^ (value >>> 16)) * 0x21f0aaad
  value = (value ^ (value >>> 15)) * 0xd35a2d97
  return value ^ (value >>> 15)
}

/** Each of the rows of `bytes` bytes `factor` times, one after another; one share for each row. */
export function repeatRows(
  first: i32,
  last: i32,
  _thread: i32,
  source: usize,
  target: usize,
  factor: i32,
  bytes: usize,
): void {
  for (let row = first; row < last; row++) {
    for (let time = 0; time < factor; time++) {
      memory.copy(target + <usize>(row * factor + time) * bytes, source + <usize>row * bytes, bytes)
    }
  }
}
