// exp and log for softmax, four at a time, to a few units in the last place of float32.

/** exp(x) for x ≤ 0; below −87, where it would leave the normal numbers, exp(−87). */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const clamped = f32x4.pmax(x, f32x4.splat(-87))
  // Adding 1.5·2²³ rounds to a whole number, which then stands in the low bits.
  const shifted = f32x4.add(f32x4.mul(clamped, f32x4.splat(1.44269504)), f32x4.splat(12582912))
  const whole = f32x4.sub(shifted, f32x4.splat(12582912))
  // x − whole·ln 2, ln 2 in two parts.
  const rest = f32x4.sub(
    f32x4.sub(clamped, f32x4.mul(whole, f32x4.splat(0.693359375))),
    f32x4.mul(whole, f32x4.splat(-2.12194440e-4)),
  )
  let p = f32x4.splat(1.9875691500e-4)
  p = f32x4.add(f32x4.mul(p, rest), f32x4.splat(1.3981999507e-3))
  p = f32x4.add(f32x4.mul(p, rest), f32x4.splat(8.3334519073e-3))
  p = f32x4.add(f32x4.mul(p, rest), f32x4.splat(4.1665795894e-2))
  p = f32x4.add(f32x4.mul(p, rest), f32x4.splat(1.6666665459e-1))
  p = f32x4.add(f32x4.mul(p, rest), f32x4.splat(5.0000001201e-1))
  p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(rest, rest)), rest), f32x4.splat(1))
  return i32x4.add(p, i32x4.shl(shifted, 23))
}

/** log(x) for normal x > 0 (the Cephes polynomial). */
// @ts-ignore: decorator
@inline
export function log(x: v128): v128 {
  const shifted = i32x4.sub(x, i32x4.splat(0x3f3504f3))
  const exponent = f32x4.convert_i32x4_s(i32x4.shr_s(shifted, 23))
  const mantissa = i32x4.add(v128.and(shifted, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3))
  const t = f32x4.sub(mantissa, f32x4.splat(1))
  const square = f32x4.mul(t, t)
  let p = f32x4.splat(7.0376836292e-2)
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-1.1514610310e-1))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(1.1676998740e-1))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-1.2420140846e-1))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(1.4249322787e-1))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-1.6668057665e-1))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(2.0000714765e-1))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-2.4999993993e-1))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(3.3333331174e-1))
  p = f32x4.mul(f32x4.mul(p, t), square)
  p = f32x4.add(p, f32x4.mul(exponent, f32x4.splat(-2.12194440e-4)))
  p = f32x4.sub(p, f32x4.mul(square, f32x4.splat(0.5)))
  return f32x4.add(f32x4.add(t, p), f32x4.mul(exponent, f32x4.splat(0.693359375)))
}
