// The inner loops of filter gradients: sums of outer products in registers.
import { multiplyAdd } from './multiply-add'

/** Adds Σ x·yᵀ to the 4 × 8 values at `target`: 4 consecutive values of `x` times 8 of `y`, `count` times, each a stride on. */
export function addOuterProducts4(
  x: usize,
  y: usize,
  target: usize,
  count: i32,
  xBytes: usize,
  yBytes: usize,
): void {
  let a0 = v128.load(target)
  let b0 = v128.load(target, 16)
  let a1 = v128.load(target, 32)
  let b1 = v128.load(target, 48)
  let a2 = v128.load(target, 64)
  let b2 = v128.load(target, 80)
  let a3 = v128.load(target, 96)
  let b3 = v128.load(target, 112)
  for (let index = 0; index < count; index++) {
    const a = v128.load(y)
    const b = v128.load(y, 16)
    const x0 = v128.load32_splat(x)
    a0 = multiplyAdd(x0, a, a0)
    b0 = multiplyAdd(x0, b, b0)
    const x1 = v128.load32_splat(x, 4)
    a1 = multiplyAdd(x1, a, a1)
    b1 = multiplyAdd(x1, b, b1)
    const x2 = v128.load32_splat(x, 8)
    a2 = multiplyAdd(x2, a, a2)
    b2 = multiplyAdd(x2, b, b2)
    const x3 = v128.load32_splat(x, 12)
    a3 = multiplyAdd(x3, a, a3)
    b3 = multiplyAdd(x3, b, b3)
    y += yBytes
    x += xBytes
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

/** {@link addOuterProducts4} for one value of `x`: 1 × 8 values at `target`. */
export function addOuterProducts1(
  x: usize,
  y: usize,
  target: usize,
  count: i32,
  xBytes: usize,
  yBytes: usize,
): void {
  let a0 = v128.load(target)
  let b0 = v128.load(target, 16)
  for (let index = 0; index < count; index++) {
    const x0 = v128.load32_splat(x)
    a0 = multiplyAdd(x0, v128.load(y), a0)
    b0 = multiplyAdd(x0, v128.load(y, 16), b0)
    y += yBytes
    x += xBytes
  }
  v128.store(target, a0)
  v128.store(target, b0, 16)
}
