// Standard normals from 32-bit words: Box–Muller in float32 with the polynomials spelled out, so that every
// backend (TypeScript, WASM SIMD, WGSL) computes the same bits from the same words.
const f = Math.fround

/** No normal drawn here is larger in absolute value: √(2·32·ln 2), with float32 rounding allowed for. */
export const LARGEST_NORMAL = 6.6604995

const float32 = new Float32Array(1)
const bits = new Uint32Array(float32.buffer)

/** Natural logarithm of a positive normal float32 (the Cephes polynomial), relative error about 1e-7. */
export function logFloat32(x: number): number {
  float32[0] = x
  // Split x = mantissa · 2^exponent with the mantissa in [√½, √2).
  const shifted = (bits[0]! - 0x3f3504f3) | 0
  const exponent = f(shifted >> 23)
  bits[0] = (shifted & 0x007fffff) + 0x3f3504f3
  const t = f(float32[0]! - 1)
  const square = f(t * t)
  let p = f(7.0376836292e-2)
  p = f(f(p * t) - f(1.151461031e-1))
  p = f(f(p * t) + f(1.167699874e-1))
  p = f(f(p * t) - f(1.2420140846e-1))
  p = f(f(p * t) + f(1.4249322787e-1))
  p = f(f(p * t) - f(1.6668057665e-1))
  p = f(f(p * t) + f(2.0000714765e-1))
  p = f(f(p * t) - f(2.4999993993e-1))
  p = f(f(p * t) + f(3.3333331174e-1))
  let y = f(f(p * t) * square)
  y = f(y + f(exponent * f(-2.1219444e-4)))
  y = f(y - f(square * 0.5))
  return f(f(t + y) + f(exponent * 0.693359375))
}

/**
 * Two independent standard normals from two random words (Box & Muller 1958).
 *
 * The first word gives the radius through u = max(word, 1) / 2³² ∈ (0, 1], the second the angle in turns.
 *
 * @param output receives the pair at `offset` and `offset + 1`.
 */
export function normalPairInto(output: Float32Array, offset: number, word0: number, word1: number): void {
  const u = f(f((word0 | 1) >>> 0) * f(2 ** -32))
  const radius = f(Math.sqrt(f(-2 * logFloat32(u))))
  // The angle is quadrant · π/2 + x with x in [−π/4, π/4).
  const turned = (word1 + 0x20000000) | 0
  const quadrant = turned >>> 30
  const x = f(f((turned & 0x3fffffff) - 0x20000000) * f(Math.PI / 2 ** 31))
  const square = f(x * x)
  let s = f(-1.9515295891e-4)
  s = f(f(s * square) + f(8.3321608736e-3))
  s = f(f(s * square) - f(1.6666654611e-1))
  const sine = f(f(f(s * square) * x) + x)
  let c = f(2.443315711809948e-5)
  c = f(f(c * square) - f(1.388731625493765e-3))
  c = f(f(c * square) + f(4.166664568298827e-2))
  const cosine = f(f(f(c * square) * square) + f(1 - f(0.5 * square)))
  const swap = (quadrant & 1) === 1
  const first = swap ? sine : cosine
  const second = swap ? cosine : sine
  // Quadrants 1 and 2 turn the cosine negative, 2 and 3 the sine.
  output[offset] = f(radius * (((quadrant + 1) & 2) === 0 ? first : -first))
  output[offset + 1] = f(radius * ((quadrant & 2) === 0 ? second : -second))
}
