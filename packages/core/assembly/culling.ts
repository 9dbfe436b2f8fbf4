// Exact culling: noise that cannot change a label, whatever it is, need not be drawn.
//
// For classes k (the mean's label) and c, with s the class scales and L the largest |ε|, a sample's lead of k over c is
//
//   lead of the mean + (s_k P_k − s_c P_c)·z + s_k √D_k ε_k − s_c √D_c ε_c
//
// So no ε can overturn what the first two terms decide by more than (|s_k|√D_k + |s_c|√D_c)·L; and no noise at all can where
// ‖z‖ ≤ radius, the least (lead of the mean − that) / ‖s_k P_k − s_c P_c‖ over all c.
//
// That holds in exact arithmetic. In float32, with u = 2⁻²⁴, Z the largest ‖z‖ and G the larger |mean| + |s|(‖P‖Z + √D L) of
// the two classes compared, a logit is off by at most (R + 5)·u·G, and either test's own terms by less than (R + 8)·u·G a class:
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
  const end = scratch + (block.rank << 4)

  let top = v128.load(block.mean + offset)
  let label = i32x4.splat(0)
  for (let klass: usize = 1; klass < classes; klass++) {
    const mean = v128.load(block.mean + klass * step + offset)
    label = v128.bitselect(i32x4.splat(i32(klass)), label, f32x4.gt(mean, top))
    top = f32x4.pmax(top, mean)
  }

  // The top class's row: where it stands if all four voxels have the same, otherwise picked and scaled to `scratch`.
  const topClass: usize = i32x4.extract_lane(label, 0)
  const uniform = i32x4.all_true(i32x4.eq(label, i32x4.splat(i32(topClass))))
  let topRow = block.factor + topClass * step * block.rank + offset
  let topStep = step
  let topScale = v128.load32_splat(block.classScale + (topClass << 2))
  let topNoise = largestNoiseOf(block, topClass, offset)
  if (!uniform) {
    for (let klass: usize = 0; klass < classes; klass++) {
      const scale = v128.load32_splat(block.classScale + (klass << 2))
      const isTop = i32x4.eq(label, i32x4.splat(i32(klass)))
      let row = block.factor + klass * step * block.rank + offset
      for (let at = scratch; at < end; at += 16) {
        v128.store(at, v128.bitselect(f32x4.mul(scale, v128.load(row)), v128.load(at), isTop))
        row += step
      }
      topNoise = v128.bitselect(largestNoiseOf(block, klass, offset), topNoise, isTop)
    }
    topRow = scratch
    topStep = 16
    topScale = f32x4.splat(1)
  }

  // One class alone has the threshold 0 for its rival, without factor and noise.
  const single = classes == 1
  const zero = f32x4.splat(0)
  const largestZ = f32x4.splat(block.largestFactorNoise)
  const share = f32x4.splat(f32(block.rank + 8) * f32(4.7683716e-7))
  let radius = f32x4.splat(Infinity)
  let largestNoise = zero
  let largestSlack = zero
  for (let klass: usize = 0; klass < classes; klass++) {
    if (uniform && klass == topClass && !single) continue
    const scale = single ? zero : v128.load32_splat(block.classScale + (klass << 2))
    const mean = single ? zero : v128.load(block.mean + klass * step + offset)
    const noise = single ? zero : largestNoiseOf(block, klass, offset)
    let squares = zero
    let differences = zero
    let row = block.factor + klass * step * block.rank + offset
    for (let at = topRow, end = topRow + block.rank * topStep; at < end; at += topStep) {
      const ofTop = f32x4.mul(topScale, v128.load(at))
      const ofClass = f32x4.mul(scale, v128.load(row))
      const difference = f32x4.sub(ofTop, ofClass)
      squares = f32x4.add(squares, f32x4.add(f32x4.mul(ofTop, ofTop), f32x4.mul(ofClass, ofClass)))
      differences = f32x4.add(differences, f32x4.mul(difference, difference))
      row += step
    }
    // No less than |mean| + |s|(‖P‖Z + √D L) of either class.
    const noises = f32x4.add(topNoise, noise)
    const largestMean = f32x4.pmax(f32x4.abs(top), f32x4.abs(mean))
    const magnitude = f32x4.add(largestMean, f32x4.add(f32x4.mul(norm(squares), largestZ), noises))
    const slack = f32x4.add(f32x4.mul(share, magnitude), f32x4.splat(1e-30))
    const lead = f32x4.abs(f32x4.sub(top, mean))
    const ofPair = f32x4.div(f32x4.sub(lead, f32x4.add(noises, slack)), norm(differences))
    const isRival = single ? i32x4.splat(-1) : i32x4.ne(label, i32x4.splat(i32(klass)))
    radius = v128.bitselect(f32x4.min(radius, ofPair), radius, isRival)
    largestNoise = f32x4.pmax(largestNoise, noise)
    largestSlack = f32x4.max(largestSlack, slack)
  }
  largestNoise = f32x4.pmax(largestNoise, topNoise)
  const otherNoise = single ? zero : largestNoise
  v128.store(LABELS, single ? v128.and(f32x4.gt(top, zero), i32x4.splat(1)) : label)
  v128.store(RADIUS, radius)
  v128.store(LEAD_NEEDED, f32x4.add(f32x4.add(largestNoise, otherNoise), largestSlack))
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
