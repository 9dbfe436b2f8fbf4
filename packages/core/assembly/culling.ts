// Exact culling: which noise cannot change a label, whatever it is. (docs/concepts/culling.md has the derivation.)
//
// For classes k (the mean's label) and c, with s the class scales, Z the largest ‖z‖ and L the largest |ε|, every sample's
// lead of k over c differs from the mean's by at most  ‖s_k P_k − s_c P_c‖·Z + (|s_k|√D_k + |s_c|√D_c)·L.
//
// That holds in exact arithmetic. In float32, with u = 2⁻²⁴ and G the largest |mean| + |s|(‖P‖Z + √D·L) of the voxel's
// classes, a logit is off by at most (R + 5)·u·G, and this test's own terms by less than (R + 8)·u·G each: 4(R + 8)·u·G for
// both classes, doubled in `slack` for second-order terms. NaN and ∞ fail every comparison, so nothing is culled there.
import { Block } from './block'

const LARGEST_NORMAL: f32 = 6.555542
// Squares below 2⁻¹⁴⁹ vanish from a norm: at most √R·2.7e-23 of it.
const NORM_UNDERFLOW: f32 = 1e-20

/** Results of {@link cullVoxels}: labels of the mean, whether they are certain (all ones), what ε could overturn. */
export const LABELS: usize = memory.data(16, 16)
export const CERTAIN: usize = memory.data(16, 16)
export const LEAD_NEEDED: usize = memory.data(16, 16)

/** The two tests' quantities for the four voxels from `voxel` on. `scratch` takes R vectors. */
export function cullVoxels(block: Block, voxel: usize, scratch: usize): void {
  const classes = block.classes
  const step: usize = block.stride << 2
  const offset: usize = voxel << 2
  const rowStep = step * block.rank
  const largestZ = f32x4.splat(block.largestFactorNoise)

  let top = v128.load(block.mean + offset)
  let label = i32x4.splat(0)
  if (classes == 1) {
    label = v128.and(f32x4.gt(top, f32x4.splat(0)), i32x4.splat(1))
    top = f32x4.abs(top)
  }
  for (let klass: usize = 1; klass < classes; klass++) {
    const mean = v128.load(block.mean + klass * step + offset)
    const above = f32x4.gt(mean, top)
    label = v128.bitselect(i32x4.splat(i32(klass)), label, above)
    top = f32x4.pmax(top, mean)
  }

  let magnitude = f32x4.splat(0)
  let largestNoise = f32x4.splat(0)
  let topNoise = f32x4.splat(0)
  let topRow = f32x4.splat(0)
  for (let klass: usize = 0; klass < classes; klass++) {
    const scale = f32x4.splat(load<f32>(block.classScale + (klass << 2)))
    const isTop = i32x4.eq(label, i32x4.splat(i32(klass)))
    let squares = f32x4.splat(0)
    let row = block.factor + klass * rowStep + offset
    for (let at = scratch, end = scratch + (block.rank << 4); at < end; at += 16) {
      const scaled = f32x4.mul(scale, v128.load(row))
      squares = f32x4.add(squares, f32x4.mul(scaled, scaled))
      v128.store(at, v128.bitselect(scaled, v128.load(at), isTop))
      row += step
    }
    topRow = squares
    const deviation = f32x4.sqrt(v128.load(block.diagonal + klass * step + offset))
    const noise = f32x4.mul(f32x4.mul(f32x4.abs(scale), deviation), f32x4.splat(LARGEST_NORMAL))
    const reach = f32x4.add(f32x4.mul(norm(squares), largestZ), noise)
    magnitude = f32x4.pmax(magnitude, f32x4.add(f32x4.abs(v128.load(block.mean + klass * step + offset)), reach))
    largestNoise = f32x4.pmax(largestNoise, noise)
    topNoise = v128.bitselect(noise, topNoise, isTop)
  }
  const slack = f32x4.add(
    f32x4.mul(f32x4.splat(f32(block.rank + 8) * f32(4.7683716e-7)), magnitude),
    f32x4.splat(1e-30),
  )

  v128.store(LABELS, label)
  if (classes == 1) {
    const reach = f32x4.add(f32x4.add(f32x4.mul(norm(topRow), largestZ), largestNoise), slack)
    v128.store(CERTAIN, f32x4.gt(top, reach))
    v128.store(LEAD_NEEDED, f32x4.add(largestNoise, slack))
    return
  }
  v128.store(LEAD_NEEDED, f32x4.add(f32x4.mul(f32x4.splat(2), largestNoise), slack))

  let certain = i32x4.splat(-1)
  for (let klass: usize = 0; klass < classes; klass++) {
    const scale = f32x4.splat(load<f32>(block.classScale + (klass << 2)))
    let squares = f32x4.splat(0)
    let row = block.factor + klass * rowStep + offset
    for (let at = scratch, end = scratch + (block.rank << 4); at < end; at += 16) {
      const difference = f32x4.sub(v128.load(at), f32x4.mul(scale, v128.load(row)))
      squares = f32x4.add(squares, f32x4.mul(difference, difference))
      row += step
    }
    const deviation = f32x4.sqrt(v128.load(block.diagonal + klass * step + offset))
    const noise = f32x4.mul(f32x4.mul(f32x4.abs(scale), deviation), f32x4.splat(LARGEST_NORMAL))
    const reach = f32x4.add(f32x4.add(f32x4.mul(norm(squares), largestZ), f32x4.add(noise, topNoise)), slack)
    const lead = f32x4.sub(top, v128.load(block.mean + klass * step + offset))
    const isTop = i32x4.eq(label, i32x4.splat(i32(klass)))
    certain = v128.and(certain, v128.or(isTop, f32x4.gt(lead, reach)))
  }
  v128.store(CERTAIN, certain)
}

// @ts-ignore: decorator
@inline
function norm(squares: v128): v128 {
  return f32x4.add(f32x4.sqrt(squares), f32x4.splat(NORM_UNDERFLOW))
}
