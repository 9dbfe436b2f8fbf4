// Winograd's F(4×4, 3×3) with the points 0, ±1, ±2, ∞ (Lavin & Gray 2016): its one-dimensional transforms, four channels
// at a time. Each reads values `sourceBytes` apart and writes them `targetBytes` apart; a 2D transform does it twice.
import { multiplyAdd, subtractProduct } from './multiply-add'

/** Bᵀ: 6 inputs to 6. */
export function transformInput(source: usize, sourceBytes: usize, target: usize, targetBytes: usize): void {
  const d0 = v128.load(source)
  const d1 = v128.load(source + sourceBytes)
  const d2 = v128.load(source + 2 * sourceBytes)
  const d3 = v128.load(source + 3 * sourceBytes)
  const d4 = v128.load(source + 4 * sourceBytes)
  const d5 = v128.load(source + 5 * sourceBytes)
  const two = f32x4.splat(2)
  const four = f32x4.splat(4)
  const five = f32x4.splat(5)
  // Rows 1 and 2 are even ± odd, and so are rows 3 and 4.
  const even1 = subtractProduct(d4, four, d2)
  const odd1 = subtractProduct(d3, four, d1)
  const even2 = f32x4.sub(d4, d2)
  const odd2 = f32x4.mul(two, f32x4.sub(d3, d1))
  v128.store(target, multiplyAdd(four, d0, subtractProduct(d4, five, d2)))
  v128.store(target + targetBytes, f32x4.add(even1, odd1))
  v128.store(target + 2 * targetBytes, f32x4.sub(even1, odd1))
  v128.store(target + 3 * targetBytes, f32x4.add(even2, odd2))
  v128.store(target + 4 * targetBytes, f32x4.sub(even2, odd2))
  v128.store(target + 5 * targetBytes, multiplyAdd(four, d1, subtractProduct(d5, five, d3)))
}

/** Aᵀ: 6 products to 4 outputs, to each of which the four values at `shift` are added. */
export function transformOutput(
  source: usize,
  sourceBytes: usize,
  target: usize,
  targetBytes: usize,
  shift: usize,
): void {
  const m0 = v128.load(source)
  const m1 = v128.load(source + sourceBytes)
  const m2 = v128.load(source + 2 * sourceBytes)
  const m3 = v128.load(source + 3 * sourceBytes)
  const m4 = v128.load(source + 4 * sourceBytes)
  const m5 = v128.load(source + 5 * sourceBytes)
  const sum1 = f32x4.add(m1, m2)
  const difference1 = f32x4.sub(m1, m2)
  const sum2 = f32x4.add(m3, m4)
  const difference2 = f32x4.mul(f32x4.splat(2), f32x4.sub(m3, m4))
  const four = f32x4.splat(4)
  const added = v128.load(shift)
  const last = f32x4.add(m5, multiplyAdd(four, difference2, difference1))
  v128.store(target, f32x4.add(f32x4.add(m0, f32x4.add(sum1, sum2)), added))
  v128.store(target + targetBytes, f32x4.add(f32x4.add(difference1, difference2), added))
  v128.store(target + 2 * targetBytes, f32x4.add(multiplyAdd(four, sum2, sum1), added))
  v128.store(target + 3 * targetBytes, f32x4.add(last, added))
}

/** A: 4 gradients of outputs to 6 of products. */
export function transformOutputGradient(
  source: usize,
  sourceBytes: usize,
  target: usize,
  targetBytes: usize,
): void {
  const y0 = v128.load(source)
  const y1 = v128.load(source + sourceBytes)
  const y2 = v128.load(source + 2 * sourceBytes)
  const y3 = v128.load(source + 3 * sourceBytes)
  const two = f32x4.splat(2)
  const four = f32x4.splat(4)
  const even1 = f32x4.add(y0, y2)
  const odd1 = f32x4.add(y1, y3)
  const even2 = multiplyAdd(four, y2, y0)
  const odd2 = f32x4.mul(two, multiplyAdd(four, y3, y1))
  v128.store(target, y0)
  v128.store(target + targetBytes, f32x4.add(even1, odd1))
  v128.store(target + 2 * targetBytes, f32x4.sub(even1, odd1))
  v128.store(target + 3 * targetBytes, f32x4.add(even2, odd2))
  v128.store(target + 4 * targetBytes, f32x4.sub(even2, odd2))
  v128.store(target + 5 * targetBytes, y3)
}

/** G: 3 filter values to 6. */
export function transformFilter(source: usize, sourceBytes: usize, target: usize, targetBytes: usize): void {
  const g0 = v128.load(source)
  const g1 = v128.load(source + sourceBytes)
  const g2 = v128.load(source + 2 * sourceBytes)
  const sixth = f32x4.splat(-1 / 6)
  const even1 = f32x4.mul(sixth, f32x4.add(g0, g2))
  const odd1 = f32x4.mul(sixth, g1)
  const even2 = multiplyAdd(f32x4.splat(1 / 24), g0, f32x4.mul(f32x4.splat(1 / 6), g2))
  const odd2 = f32x4.mul(f32x4.splat(1 / 12), g1)
  v128.store(target, f32x4.mul(f32x4.splat(0.25), g0))
  v128.store(target + targetBytes, f32x4.add(even1, odd1))
  v128.store(target + 2 * targetBytes, f32x4.sub(even1, odd1))
  v128.store(target + 3 * targetBytes, f32x4.add(even2, odd2))
  v128.store(target + 4 * targetBytes, f32x4.sub(even2, odd2))
  v128.store(target + 5 * targetBytes, g2)
}

/** Gᵀ: 6 gradients of transformed filter values to 3 of the filter's. */
export function transformFilterGradient(
  source: usize,
  sourceBytes: usize,
  target: usize,
  targetBytes: usize,
): void {
  const u0 = v128.load(source)
  const u1 = v128.load(source + sourceBytes)
  const u2 = v128.load(source + 2 * sourceBytes)
  const u3 = v128.load(source + 3 * sourceBytes)
  const u4 = v128.load(source + 4 * sourceBytes)
  const u5 = v128.load(source + 5 * sourceBytes)
  const sixth = f32x4.splat(1 / 6)
  const sum1 = f32x4.mul(sixth, f32x4.add(u1, u2))
  const difference1 = f32x4.mul(sixth, f32x4.sub(u2, u1))
  const sum2 = f32x4.add(u3, u4)
  const difference2 = f32x4.mul(f32x4.splat(1 / 12), f32x4.sub(u3, u4))
  const first = f32x4.sub(f32x4.mul(f32x4.splat(0.25), u0), sum1)
  v128.store(target, multiplyAdd(f32x4.splat(1 / 24), sum2, first))
  v128.store(target + targetBytes, f32x4.add(difference1, difference2))
  v128.store(target + 2 * targetBytes, f32x4.sub(multiplyAdd(sixth, sum2, u5), sum1))
}
