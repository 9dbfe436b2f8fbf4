// Four voxels, not necessarily neighbours, side by side in the lanes of a vector; and four samples of them at a time.
// Deviations are a sample's distance from the mean before its class scale, in the fixed order of docs/architecture.md:
// Σ_r P_r z_r from r = 0 up, then + √D ε.
import { Block } from './block'
import { normalPairs } from './normal'
import { startVoxels, VOXELS_STATE, words, wordsOfTwo } from './philox'

const LANE: usize = 16
const WORDS: usize = memory.data(128, 16)
const PHILOX: usize = memory.data(48, 16)

/** Labels of four samples, a vector of four voxels each. */
export const QUAD_LABELS: usize = memory.data(64, 16)

/** Offsets in the block of the four voxels. */
export const OFFSETS: usize = memory.data(16, 16)

// Vectors of four voxels, in scratch: `[C]` means, `[C]` √D, `[C][R]` factors; for four samples `[C][4]` deviations, ε.
export let means: usize = 0
export let standardDeviations: usize = 0
export let factors: usize = 0
let deviations: usize = 0
export let normals: usize = 0

/** Bytes of scratch that a tile takes. */
export function tileBytes(block: Block): usize {
  return block.classes * (10 + block.rank) * LANE
}

/** Gathers the voxels at OFFSETS into a tile at `scratch`, and starts their noise. */
export function packTile(block: Block, scratch: usize): void {
  const classes = block.classes
  const planes = classes * block.rank
  means = scratch
  standardDeviations = means + classes * LANE
  deviations = standardDeviations + classes * LANE
  normals = deviations + 4 * classes * LANE
  factors = normals + 4 * classes * LANE
  const step: usize = block.stride << 2
  for (let lane: usize = 0; lane < 16; lane += 4) {
    const offset: usize = load<u32>(OFFSETS + lane) << 2
    let mean = block.mean + offset
    let diagonal = block.diagonal + offset
    for (let at = means + lane; at < standardDeviations; at += LANE) {
      store<f32>(at, load<f32>(mean))
      store<f32>(at + classes * LANE, load<f32>(diagonal))
      mean += step
      diagonal += step
    }
    let factor = block.factor + offset
    for (let at = factors + lane; at < factors + planes * LANE; at += LANE) {
      store<f32>(at, load<f32>(factor))
      factor += step
    }
  }
  for (let at = standardDeviations; at < deviations; at += LANE) v128.store(at, f32x4.sqrt(v128.load(at)))
  startVoxels(PHILOX, i32x4.add(v128.load(OFFSETS), i32x4.splat(i32(block.firstVoxel))), block.stream)
}

/** Deviations by the low-rank part alone, of the four samples of `quad` (counted from the block's first). */
// @ts-ignore: decorator
@inline
export function lowRankDeviations(block: Block, quad: usize): void {
  const rank = block.rank
  const z = block.z + quad * rank * LANE
  let factor = factors
  const end = deviations + 4 * block.classes * LANE
  for (let at = deviations; at < end; at += 4 * LANE) {
    let sum0 = f32x4.splat(0)
    let sum1 = f32x4.splat(0)
    let sum2 = f32x4.splat(0)
    let sum3 = f32x4.splat(0)
    for (let noise = z, last = z + rank * LANE; noise < last; noise += LANE) {
      const p = v128.load(factor)
      sum0 = f32x4.add(sum0, f32x4.mul(p, v128.load32_splat(noise)))
      sum1 = f32x4.add(sum1, f32x4.mul(p, v128.load32_splat(noise, 4)))
      sum2 = f32x4.add(sum2, f32x4.mul(p, v128.load32_splat(noise, 8)))
      sum3 = f32x4.add(sum3, f32x4.mul(p, v128.load32_splat(noise, 12)))
      factor += LANE
    }
    v128.store(at, sum0)
    v128.store(at, sum1, 16)
    v128.store(at, sum2, 32)
    v128.store(at, sum3, 48)
  }
}

/** Draws ε and adds √D ε to the deviations. */
// @ts-ignore: decorator
@inline
export function addNoise(block: Block, quad: usize): void {
  const position = block.firstQuad + u32(quad)
  let klass: usize = 0
  for (; klass + 1 < block.classes; klass += 2) {
    wordsOfTwo(WORDS, PHILOX, u32(klass), position)
    addNoiseOfClass(klass, WORDS)
    addNoiseOfClass(klass + 1, WORDS + 64)
  }
  if (klass < block.classes) {
    words(WORDS, PHILOX, u32(klass), position)
    addNoiseOfClass(klass, WORDS)
  }
}

// @ts-ignore: decorator
@inline
function addNoiseOfClass(klass: usize, words: usize): void {
  const epsilon = normals + klass * 4 * LANE
  normalPairs(epsilon, v128.load(words), v128.load(words, 16))
  normalPairs(epsilon + 32, v128.load(words, 32), v128.load(words, 48))
  const deviation = v128.load(standardDeviations + klass * LANE)
  const at = deviations + klass * 4 * LANE
  v128.store(at, f32x4.add(v128.load(at), f32x4.mul(deviation, v128.load(epsilon))))
  v128.store(at, f32x4.add(v128.load(at, 16), f32x4.mul(deviation, v128.load(epsilon, 16))), 16)
  v128.store(at, f32x4.add(v128.load(at, 32), f32x4.mul(deviation, v128.load(epsilon, 32))), 32)
  v128.store(at, f32x4.add(v128.load(at, 48), f32x4.mul(deviation, v128.load(epsilon, 48))), 48)
}

/** The logits of a class in one of the four samples. */
// @ts-ignore: decorator
@inline
export function logit(block: Block, klass: usize, sample: usize): v128 {
  const scale = v128.load32_splat(block.classScale + (klass << 2))
  const deviation = v128.load(deviations + (((klass << 2) + sample) << 4))
  return f32x4.add(v128.load(means + (klass << 4)), f32x4.mul(scale, deviation))
}

/** The same in the sample's mirror image, whose noise is the negative. */
// @ts-ignore: decorator
@inline
export function mirroredLogit(block: Block, klass: usize, sample: usize): v128 {
  const scale = v128.load32_splat(block.classScale + (klass << 2))
  const deviation = v128.load(deviations + (((klass << 2) + sample) << 4))
  return f32x4.sub(v128.load(means + (klass << 4)), f32x4.mul(scale, deviation))
}

/** The four samples' labels to QUAD_LABELS: the lowest class of largest logit; for one class whether it is positive. */
// @ts-ignore: decorator
@inline
export function labelsOfQuad(block: Block): void {
  const zero = f32x4.splat(0)
  let top0 = logit(block, 0, 0)
  let top1 = logit(block, 0, 1)
  let top2 = logit(block, 0, 2)
  let top3 = logit(block, 0, 3)
  if (block.classes == 1) {
    const one = i32x4.splat(1)
    v128.store(QUAD_LABELS, v128.and(f32x4.gt(top0, zero), one))
    v128.store(QUAD_LABELS, v128.and(f32x4.gt(top1, zero), one), 16)
    v128.store(QUAD_LABELS, v128.and(f32x4.gt(top2, zero), one), 32)
    v128.store(QUAD_LABELS, v128.and(f32x4.gt(top3, zero), one), 48)
    return
  }
  let label0 = zero
  let label1 = zero
  let label2 = zero
  let label3 = zero
  for (let klass: usize = 1; klass < block.classes; klass++) {
    const label = i32x4.splat(i32(klass))
    const logit0 = logit(block, klass, 0)
    const logit1 = logit(block, klass, 1)
    const logit2 = logit(block, klass, 2)
    const logit3 = logit(block, klass, 3)
    label0 = v128.bitselect(label, label0, f32x4.gt(logit0, top0))
    label1 = v128.bitselect(label, label1, f32x4.gt(logit1, top1))
    label2 = v128.bitselect(label, label2, f32x4.gt(logit2, top2))
    label3 = v128.bitselect(label, label3, f32x4.gt(logit3, top3))
    top0 = f32x4.pmax(top0, logit0)
    top1 = f32x4.pmax(top1, logit1)
    top2 = f32x4.pmax(top2, logit2)
    top3 = f32x4.pmax(top3, logit3)
  }
  v128.store(QUAD_LABELS, label0)
  v128.store(QUAD_LABELS, label1, 16)
  v128.store(QUAD_LABELS, label2, 32)
  v128.store(QUAD_LABELS, label3, 48)
}
