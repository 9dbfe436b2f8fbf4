// Exact culling: noise that cannot change a label, whatever it is, need not be drawn.
//
// For classes k (the mean's label) and c, with s the class scales and L the largest |ε|, a sample's lead of k over c is
//
//   lead of the mean + (s_k P_k − s_c P_c)·z + s_k √D_k ε_k − s_c √D_c ε_c
//
// So no ε can overturn what the first two terms decide by more than (|s_k|√D_k + |s_c|√D_c)·L; and no noise at all can where
// ‖z‖ ≤ radius, the least (lead of the mean − that) / ‖s_k P_k − s_c P_c‖ over all c.
//
// That holds in exact arithmetic. In float32, with u = 2⁻²⁴, Z the largest ‖z‖ and G the largest |mean| + |s|(‖P‖Z + √D L) of
// the voxel's classes, a logit is off by at most (R + 5)·u·G, and either test's own terms by less than (R + 8)·u·G a class:
// 4(R + 8)·u·G in all, doubled in `slack` for second-order terms. NaN and ∞ fail every comparison: nothing is culled there.
import { Block } from './block'

const LARGEST_NORMAL: f32 = 6.555542
// Squares below 2⁻¹⁴⁹ vanish from a norm: at most √R·2.7e-23 of it.
const NORM_UNDERFLOW: f32 = 1e-20

/** Results of {@link cullVoxels}: labels of the mean, the ‖z‖ up to which they are certain, the lead that no ε overturns. */
export const LABELS: usize = memory.data(16, 16)
export const RADIUS: usize = memory.data(16, 16)
export const LEAD_NEEDED: usize = memory.data(16, 16)

/** The bounds of the four voxels from `voxel` on. `scratch` takes R vectors. */
export function cullVoxels(block: Block, voxel: usize, scratch: usize): void {
  const classes = block.classes
  const step = block.stride << 2
  const offset = voxel << 2
  const largestZ = f32x4.splat(block.largestFactorNoise)
  const end = scratch + (block.rank << 4)

  let top = v128.load(block.mean + offset)
  let label = i32x4.splat(0)
  for (let klass: usize = 1; klass < classes; klass++) {
    const mean = v128.load(block.mean + klass * step + offset)
    label = v128.bitselect(i32x4.splat(i32(klass)), label, f32x4.gt(mean, top))
    top = f32x4.pmax(top, mean)
  }

  // The top class's row, to `scratch`; the bound on ε of the top class, and of any.
  let magnitude = f32x4.splat(0)
  let largestNoise = f32x4.splat(0)
  let topNoise = f32x4.splat(0)
  for (let klass: usize = 0; klass < classes; klass++) {
    const scale = v128.load32_splat(block.classScale + (klass << 2))
    const isTop = i32x4.eq(label, i32x4.splat(i32(klass)))
    let squares = f32x4.splat(0)
    let row = block.factor + klass * step * block.rank + offset
    for (let at = scratch; at < end; at += 16) {
      const scaled = f32x4.mul(scale, v128.load(row))
      squares = f32x4.add(squares, f32x4.mul(scaled, scaled))
      v128.store(at, v128.bitselect(scaled, v128.load(at), isTop))
      row += step
    }
    const noise = largestNoiseOf(block, klass, offset)
    const mean = f32x4.abs(v128.load(block.mean + klass * step + offset))
    magnitude = f32x4.pmax(magnitude, f32x4.add(mean, f32x4.add(f32x4.mul(norm(squares), largestZ), noise)))
    largestNoise = f32x4.pmax(largestNoise, noise)
    topNoise = v128.bitselect(noise, topNoise, isTop)
  }
  const slackShare = f32(block.rank + 8) * f32(4.7683716e-7)
  const slack = f32x4.add(f32x4.mul(f32x4.splat(slackShare), magnitude), f32x4.splat(1e-30))

  if (classes == 1) {
    // The rival is the threshold 0, which has no noise.
    const needed = f32x4.add(topNoise, slack)
    let squares = f32x4.splat(0)
    for (let at = scratch; at < end; at += 16) {
      squares = f32x4.add(squares, f32x4.mul(v128.load(at), v128.load(at)))
    }
    v128.store(LABELS, v128.and(f32x4.gt(top, f32x4.splat(0)), i32x4.splat(1)))
    v128.store(RADIUS, f32x4.div(f32x4.sub(f32x4.abs(top), needed), norm(squares)))
    v128.store(LEAD_NEEDED, needed)
    return
  }

  let radius = f32x4.splat(Infinity)
  for (let klass: usize = 0; klass < classes; klass++) {
    const scale = v128.load32_splat(block.classScale + (klass << 2))
    let squares = f32x4.splat(0)
    let row = block.factor + klass * step * block.rank + offset
    for (let at = scratch; at < end; at += 16) {
      const difference = f32x4.sub(v128.load(at), f32x4.mul(scale, v128.load(row)))
      squares = f32x4.add(squares, f32x4.mul(difference, difference))
      row += step
    }
    const needed = f32x4.add(f32x4.add(largestNoiseOf(block, klass, offset), topNoise), slack)
    const lead = f32x4.sub(top, v128.load(block.mean + klass * step + offset))
    const ofClass = f32x4.div(f32x4.sub(lead, needed), norm(squares))
    const isRival = i32x4.ne(label, i32x4.splat(i32(klass)))
    radius = v128.bitselect(f32x4.min(radius, ofClass), radius, isRival)
  }
  v128.store(LABELS, label)
  v128.store(RADIUS, radius)
  v128.store(LEAD_NEEDED, f32x4.add(f32x4.add(largestNoise, largestNoise), slack))
}

/** |s|√D·L of a class. */
// @ts-ignore: decorator
@inline
function largestNoiseOf(block: Block, klass: usize, offset: usize): v128 {
  const scale = f32x4.abs(v128.load32_splat(block.classScale + (klass << 2)))
  const deviation = f32x4.sqrt(v128.load(block.diagonal + klass * (block.stride << 2) + offset))
  return f32x4.mul(f32x4.mul(scale, deviation), f32x4.splat(LARGEST_NORMAL))
}

// @ts-ignore: decorator
@inline
function norm(squares: v128): v128 {
  return f32x4.add(f32x4.sqrt(squares), f32x4.splat(NORM_UNDERFLOW))
}
