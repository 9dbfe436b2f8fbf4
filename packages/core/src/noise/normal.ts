// Standard normals from 32-bit words: Box–Muller in float32, every operation spelled out, so that each backend
// (TypeScript, WASM SIMD, WGSL) computes the same bits from the same words. Only +, −, ×, √ and signed
// conversions: all correctly rounded everywhere, and one SIMD instruction each.
const f = Math.fround

/**
 * No normal drawn here is larger in absolute value: √(62 ln 2).
 *
 * Trying all 2³² words of each kind gave a radius of at most 6.5555415 and a sine and a cosine below 1.
 */
export const LARGEST_NORMAL = 6.555542

const float32 = new Float32Array(1)
const bits = new Int32Array(float32.buffer)

/**
 * Two independent standard normals from two random words (Box & Muller 1958), within 8e-6 of the exact transform.
 *
 * The first word gives the radius √(−2 ln u) with u = |word | 1| / 2³¹ ∈ (0, 1] (the word read as signed) and the sign
 * of the cosine; the second gives the angle in [−π/2, π/2]. Polynomials are minimax, their relative errors below 1.2e-6.
 *
 * @param output receives the pair at `offset` and `offset + 1`.
 */
export function normalPairInto(output: Float32Array, offset: number, word0: number, word1: number): void {
  float32[0] = Math.abs(word0 | 1)
  // 2³¹u = (1 + t) · 2^exponent with 1 + t in [√½, √2).
  const shifted = bits[0]! - 0x3f3504f3
  const exponent = shifted >> 23
  bits[0] = (shifted & 0x007fffff) + 0x3f3504f3
  const t = f(float32[0] - 1)
  let p = f(-0.23792219)
  p = f(f(p * t) + f(0.37335712))
  p = f(f(p * t) + f(-0.40992656))
  p = f(f(p * t) + f(0.49819487))
  p = f(f(p * t) + f(-0.66629016))
  p = f(f(p * t) + f(1.0000223))
  p = f(f(p * t) + f(-2.000002))
  const radius = f(Math.sqrt(f(f((31 - exponent) * f(2 * Math.LN2)) + f(p * t))))

  const x = f(f(word1 | 0) * f(2 ** -31))
  const square = f(x * x)
  let sine = f(-0.004333095)
  sine = f(f(sine * square) + f(0.07943434))
  sine = f(f(sine * square) + f(-0.64589286))
  sine = f(f(sine * square) + f(1.570791))
  sine = f(sine * x)
  let cosine = f(8.5819064e-4)
  cosine = f(f(cosine * square) + f(-0.020810628))
  cosine = f(f(cosine * square) + f(0.25365075))
  cosine = f(f(cosine * square) + f(-1.2336982))
  cosine = f(f(cosine * square) + f(0.99999994))

  const product = f(radius * cosine)
  output[offset] = (word0 | 0) < 0 ? -product : product
  output[offset + 1] = f(radius * sine)
}
