// A tile's samples without ε, as far as labels need them: each class relative to the first, one product fewer. Where the
// lead is small these scores, rounded otherwise than logits, decide nothing (culling.ts bounds the difference).
import { Block } from './block'
import { factors, means, QUAD_LABELS } from './tile'


/** Relative means `[L − 1]`, then relative factors `[L − 1][R]`. */
let relative: usize = 0
let rivals: usize = 0

/** Bytes that {@link relateClasses} takes. */
export function relativeBytes(block: Block): usize {
  return (max<usize>(block.classes, 2) - 1) * (1 + block.rank) * 16
}

/** Relates the packed tile's classes to the first; one class alone to 0. */
export function relateClasses(block: Block, scratch: usize): void {
  const rank = block.rank
  relative = scratch
  rivals = max<usize>(block.classes, 2) - 1
  const single = block.classes == 1
  const scale0 = single ? f32x4.splat(0) : v128.load32_splat(block.classScale)
  let output = scratch + (rivals << 4)
  for (let rival: usize = 0; rival < rivals; rival++) {
    const klass: usize = single ? 0 : rival + 1
    const mean = v128.load(means + (klass << 4))
    v128.store(relative + (rival << 4), single ? mean : f32x4.sub(mean, v128.load(means)))
    const scale = v128.load32_splat(block.classScale + (klass << 2))
    let row = factors + ((klass * rank) << 4)
    let row0 = factors
    for (let end = row + (rank << 4); row < end; row += 16) {
      const scaled = f32x4.mul(scale, v128.load(row))
      v128.store(output, f32x4.sub(scaled, f32x4.mul(scale0, v128.load(row0))))
      row0 += 16
      output += 16
    }
  }
}

/** Whether in all four samples of all four voxels the largest score leads by more than `needed`; labels in QUAD_LABELS. */
// @ts-ignore: decorator
@inline
export function leadsOfQuad(block: Block, quad: usize, needed: v128): bool {
  const rank = block.rank
  const z = block.z + ((quad * rank) << 4)
  const zero = f32x4.splat(0)
  let top0 = zero
  let top1 = zero
  let top2 = zero
  let top3 = zero
  let second0 = zero
  let second1 = zero
  let second2 = zero
  let second3 = zero
  let factor = relative + (rivals << 4)
  for (let rival: usize = 0; rival < rivals; rival++) {
    let score0 = v128.load(relative + (rival << 4))
    let score1 = score0
    let score2 = score0
    let score3 = score0
    for (let noise = z, end = z + (rank << 4); noise < end; noise += 16) {
      const p = v128.load(factor)
      score0 = f32x4.add(score0, f32x4.mul(p, v128.load32_splat(noise)))
      score1 = f32x4.add(score1, f32x4.mul(p, v128.load32_splat(noise, 4)))
      score2 = f32x4.add(score2, f32x4.mul(p, v128.load32_splat(noise, 8)))
      score3 = f32x4.add(score3, f32x4.mul(p, v128.load32_splat(noise, 12)))
      factor += 16
    }
    if (rival == 0) {
      const one = i32x4.splat(1)
      v128.store(QUAD_LABELS, v128.and(f32x4.gt(score0, zero), one))
      v128.store(QUAD_LABELS, v128.and(f32x4.gt(score1, zero), one), 16)
      v128.store(QUAD_LABELS, v128.and(f32x4.gt(score2, zero), one), 32)
      v128.store(QUAD_LABELS, v128.and(f32x4.gt(score3, zero), one), 48)
      top0 = f32x4.pmax(zero, score0)
      top1 = f32x4.pmax(zero, score1)
      top2 = f32x4.pmax(zero, score2)
      top3 = f32x4.pmax(zero, score3)
      second0 = f32x4.pmin(zero, score0)
      second1 = f32x4.pmin(zero, score1)
      second2 = f32x4.pmin(zero, score2)
      second3 = f32x4.pmin(zero, score3)
      continue
    }
    const label = i32x4.splat(i32(rival + 1))
    v128.store(QUAD_LABELS, v128.bitselect(label, v128.load(QUAD_LABELS), f32x4.gt(score0, top0)))
    v128.store(QUAD_LABELS, v128.bitselect(label, v128.load(QUAD_LABELS, 16), f32x4.gt(score1, top1)), 16)
    v128.store(QUAD_LABELS, v128.bitselect(label, v128.load(QUAD_LABELS, 32), f32x4.gt(score2, top2)), 32)
    v128.store(QUAD_LABELS, v128.bitselect(label, v128.load(QUAD_LABELS, 48), f32x4.gt(score3, top3)), 48)
    second0 = f32x4.pmax(second0, f32x4.pmin(top0, score0))
    second1 = f32x4.pmax(second1, f32x4.pmin(top1, score1))
    second2 = f32x4.pmax(second2, f32x4.pmin(top2, score2))
    second3 = f32x4.pmax(second3, f32x4.pmin(top3, score3))
    top0 = f32x4.pmax(top0, score0)
    top1 = f32x4.pmax(top1, score1)
    top2 = f32x4.pmax(top2, score2)
    top3 = f32x4.pmax(top3, score3)
  }
  const even = v128.and(f32x4.gt(f32x4.sub(top0, second0), needed), f32x4.gt(f32x4.sub(top1, second1), needed))
  const odd = v128.and(f32x4.gt(f32x4.sub(top2, second2), needed), f32x4.gt(f32x4.sub(top3, second3), needed))
  return i32x4.all_true(v128.and(even, odd))
}
