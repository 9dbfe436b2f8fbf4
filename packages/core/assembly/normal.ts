// Box–Muller, four pairs at once: operation for operation src/noise/normal.ts, so that the bits are the same.

/** Normals of four pairs of words: the cosines' at `output`, the sines' 16 bytes on. */
// @ts-ignore: decorator
@inline
export function normalPairs(output: usize, word0: v128, word1: v128): void {
  const magnitude = f32x4.abs(f32x4.convert_i32x4_s(v128.or(word0, i32x4.splat(1))))
  const shifted = i32x4.sub(magnitude, i32x4.splat(0x3f3504f3))
  const exponent = f32x4.convert_i32x4_s(i32x4.shr_s(shifted, 23))
  const mantissa = i32x4.add(v128.and(shifted, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3))
  const t = f32x4.sub(mantissa, f32x4.splat(1))
  let p = f32x4.splat(-0.23792219)
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.37335712))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-0.40992656))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.49819487))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-0.66629016))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(1.0000223))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-2.000002))
  const whole = f32x4.mul(f32x4.sub(f32x4.splat(31), exponent), f32x4.splat(1.3862943611198906))
  const radius = f32x4.sqrt(f32x4.add(whole, f32x4.mul(p, t)))

  const x = f32x4.mul(f32x4.convert_i32x4_s(word1), f32x4.splat(4.656612873077393e-10))
  const square = f32x4.mul(x, x)
  let sine = f32x4.splat(-0.004333095)
  sine = f32x4.add(f32x4.mul(sine, square), f32x4.splat(0.07943434))
  sine = f32x4.add(f32x4.mul(sine, square), f32x4.splat(-0.64589286))
  sine = f32x4.add(f32x4.mul(sine, square), f32x4.splat(1.570791))
  sine = f32x4.mul(sine, x)
  let cosine = f32x4.splat(8.5819064e-4)
  cosine = f32x4.add(f32x4.mul(cosine, square), f32x4.splat(-0.020810628))
  cosine = f32x4.add(f32x4.mul(cosine, square), f32x4.splat(0.25365075))
  cosine = f32x4.add(f32x4.mul(cosine, square), f32x4.splat(-1.2336982))
  cosine = f32x4.add(f32x4.mul(cosine, square), f32x4.splat(0.99999994))

  const sign = v128.and(word0, i32x4.splat(0x80000000))
  v128.store(output, v128.xor(f32x4.mul(radius, cosine), sign))
  v128.store(output, f32x4.mul(radius, sine), 16)
}
