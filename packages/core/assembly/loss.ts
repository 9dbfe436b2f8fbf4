// The Monte-Carlo likelihood of a block's labels (eq. 7) in two passes: log-likelihoods of the samples, then, with the
// samples' weights known, the gradient. Noise is recomputed in the second; nothing grows with the number of samples.
// Unless the block is so small that the first pass keeps it all: for each tile and quad ε `[C][4]`, then for every copy of
// the samples (the second is the mirror image) p − [c is the label] `[C][4]`.
import { Block } from './block'
import { log } from './exponential'
import { setKey } from './philox'
import { exponentials, labelCount, LARGEST, logitsInto } from './softmax'
import { addNoise, lowRankDeviations, normals, OFFSETS, packTile, standardDeviations, tileBytes } from './tile'

const LABELS: usize = memory.data(16, 16)
const PRESENT: usize = memory.data(16, 16)

/**
 * Packs the next four voxels inside the region of interest, from `voxel` on, and gives the voxel after them. Lanes left
 * over repeat a voxel and are not PRESENT; without any voxel, nothing is packed.
 */
function nextTile(block: Block, voxel: usize): usize {
  let lanes: usize = 0
  v128.store(PRESENT, i32x4.splat(0))
  while (voxel < block.voxels && lanes < 4) {
    if (!block.roi || load<u8>(block.roi + voxel)) {
      store<u32>(OFFSETS + (lanes << 2), u32(voxel))
      store<u32>(LABELS + (lanes << 2), load<u8>(block.labels + voxel))
      store<i32>(PRESENT + (lanes << 2), -1)
      lanes++
    }
    voxel++
  }
  if (lanes == 0) return voxel
  for (; lanes < 4; lanes++) {
    store<u32>(OFFSETS + (lanes << 2), load<u32>(OFFSETS))
    store<u32>(LABELS + (lanes << 2), load<u32>(LABELS))
  }
  packTile(block, block.scratch)
  return voxel
}

// @ts-ignore: decorator
@inline
function isEmpty(): bool {
  return !v128.any_true(v128.load(PRESENT))
}

/** Bytes that are kept of a tile's quad. */
// @ts-ignore: decorator
@inline
function keptBytes(block: Block): usize {
  return (block.antithetic ? 3 : 2) * (block.classes << 6)
}

/** Tiles whose softmax denominators are multiplied before a logarithm is taken: 256⁸ is far below the largest float32. */
const TOGETHER: usize = 8

/** Writes Σ_voxels log p(label | sample), `[samples]` f64. Scratch: a tile, a vector a label, two a sample. */
export function logLikelihoods(block: Block): void {
  setKey(block.key0, block.key1)
  const labels = labelCount(block)
  const logits = block.scratch + tileBytes(block)
  const sums = logits + (labels << 4)
  const products = sums + (block.samples << 4)
  const copies: usize = block.antithetic ? 2 : 1
  memory.fill(sums, 0, block.samples << 4)
  for (let sample: usize = 0; sample < block.samples; sample++) {
    v128.store(products + (sample << 4), f32x4.splat(1))
  }

  let tiles: usize = 0
  let kept = block.kept
  for (let voxel: usize = 0; voxel < block.voxels; ) {
    voxel = nextTile(block, voxel)
    if (isEmpty()) break
    for (let quad: usize = 0; quad < block.quads; quad++) {
      lowRankDeviations(block, quad)
      addNoise(block, quad)
      if (block.kept) memory.copy(kept, normals, block.classes << 6)
      for (let sample: usize = 0; sample < 4; sample++) {
        const index = ((quad << 2) + sample - block.skipped) * copies
        if (index >= block.samples) continue
        for (let copy: usize = 0; copy < copies; copy++) {
          logitsInto(logits, block, sample, copy == 1)
          let ofLabel = f32x4.splat(0)
          for (let label: usize = 0; label < labels; label++) {
            const chosen = i32x4.eq(v128.load(LABELS), i32x4.splat(i32(label)))
            ofLabel = v128.or(ofLabel, v128.and(v128.load(logits + (label << 4)), chosen))
          }
          const present = v128.load(PRESENT)
          const denominator = exponentials(logits, labels)
          if (block.kept) {
            const at = kept + ((copy + 1) * block.classes << 6) + (sample << 4)
            residualsInto(at, 64, block, logits, f32x4.div(f32x4.splat(1), denominator))
          }
          const sum = v128.bitselect(denominator, f32x4.splat(1), present)
          const product = products + ((index + copy) << 4)
          v128.store(product, f32x4.mul(v128.load(product), sum))
          addTo(sums + ((index + copy) << 4), v128.and(f32x4.sub(ofLabel, v128.load(LARGEST)), present))
        }
      }
      if (block.kept) kept += keptBytes(block)
    }
    if (++tiles % TOGETHER == 0) takeLogarithms(block, sums, products)
  }
  takeLogarithms(block, sums, products)
  for (let sample: usize = 0; sample < block.samples; sample++) {
    const sum = v128.load(sums + (sample << 4))
    store<f64>(block.output + (sample << 3), f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1))
  }
}

/** p − [c is the label] of the exponentials at `logits`, one vector a class at `output`, `output` + `stride`, … */
// @ts-ignore: decorator
@inline
function residualsInto(output: usize, stride: usize, block: Block, logits: usize, inverse: v128): void {
  const firstLabel = labelCount(block) - block.classes
  let at = output
  for (let klass: usize = 0; klass < block.classes; klass++) {
    const label = klass + firstLabel
    const probability = f32x4.mul(v128.load(logits + (label << 4)), inverse)
    const chosen = i32x4.eq(v128.load(LABELS), i32x4.splat(i32(label)))
    v128.store(at, f32x4.sub(probability, v128.and(f32x4.splat(1), chosen)))
    at += stride
  }
}

/** Takes the logarithms of the products from the sums, and starts new products. */
function takeLogarithms(block: Block, sums: usize, products: usize): void {
  for (let sample: usize = 0; sample < block.samples; sample++) {
    const product = products + (sample << 4)
    addTo(sums + (sample << 4), f32x4.neg(log(v128.load(product))))
    v128.store(product, f32x4.splat(1))
  }
}

/** Adds four float32 to two float64. */
// @ts-ignore: decorator
@inline
function addTo(sums: usize, values: v128): void {
  const upper = v128.shuffle<i32>(values, values, 2, 3, 2, 3)
  const both = f64x2.add(f64x2.promote_low_f32x4(values), f64x2.promote_low_f32x4(upper))
  v128.store(sums, f64x2.add(v128.load(sums), both))
}

/**
 * Writes the gradient of −Σ_m weight_m log p(labels | sample m) with respect to mean `[C][stride]`, diagonal `[C][stride]`
 * and factor `[C][R][stride]`, in this order; 0 outside the region of interest. Samples of weight 0 are left out.
 * Scratch: a tile, a vector a label, C·(7 + R) vectors.
 */
export function lossGradients(block: Block): void {
  setKey(block.key0, block.key1)
  const classes = block.classes
  const rank = block.rank
  const labels = labelCount(block)
  const logits = block.scratch + tileBytes(block)
  // `[C][4]`: what each sample's residual gives to its noise; `[C]`, `[C]`, `[C][R]`: the tile's gradient.
  const residuals = logits + ((labels + classes) << 4)
  const means = residuals + (classes << 6)
  const diagonals = means + (classes << 4)
  const factors = diagonals + (classes << 4)
  const end = factors + ((classes * rank) << 4)
  const plane = block.stride << 2
  let keptOfTile = block.kept
  memory.fill(block.output, 0, classes * (2 + rank) * plane)

  for (let voxel: usize = 0; voxel < block.voxels; ) {
    voxel = nextTile(block, voxel)
    if (isEmpty()) break
    memory.fill(means, 0, end - means)
    for (let quad: usize = 0; quad < block.quads; quad++) {
      const kept = keptOfTile + quad * keptBytes(block)
      if (!isWeighted(block, quad)) continue
      if (!block.kept) {
        lowRankDeviations(block, quad)
        addNoise(block, quad)
      }
      residualsOfQuad(block, quad, kept, logits, residuals, means)
      for (let klass: usize = 0; klass < classes; klass++) {
        const row = residuals + (klass << 6)
        const epsilon = (block.kept ? kept : normals) + (klass << 6)
        let sum = v128.load(diagonals + (klass << 4))
        for (let sample: usize = 0; sample < 64; sample += 16) {
          sum = f32x4.add(sum, f32x4.mul(v128.load(row + sample), v128.load(epsilon + sample)))
        }
        v128.store(diagonals + (klass << 4), sum)
        addOuterProduct(factors + ((klass * rank) << 4), row, block.z + ((quad * rank) << 4), rank)
      }
    }
    keptOfTile += block.quads * keptBytes(block)

    for (let klass: usize = 0; klass < classes; klass++) {
      const at = diagonals + (klass << 4)
      // d√D / dD = 1 / (2√D)
      const deviation = v128.load(standardDeviations + (klass << 4))
      v128.store(at, f32x4.div(v128.load(at), f32x4.add(deviation, deviation)))
    }
    for (let lane: usize = 0; lane < 16; lane += 4) {
      if (!load<i32>(PRESENT + lane)) continue
      let output = block.output + (load<u32>(OFFSETS + lane) << 2)
      for (let at = means + lane; at < end; at += 16) {
        store<f32>(output, load<f32>(at))
        output += plane
      }
    }
  }
}

/** Whether any sample of the quad has a weight. */
function isWeighted(block: Block, quad: usize): bool {
  const copies: usize = block.antithetic ? 2 : 1
  for (let sample: usize = 0; sample < 4; sample++) {
    const index = ((quad << 2) + sample - block.skipped) * copies
    if (index >= block.samples) continue
    for (let copy: usize = 0; copy < copies; copy++) {
      if (load<f32>(block.weights + ((index + copy) << 2)) != 0) return true
    }
  }
  return false
}

/** weight_m·(p_c − [c is the label]) of four samples: added to the means' gradient, and kept for the noise's. */
// @ts-ignore: decorator
@inline
function residualsOfQuad(
  block: Block,
  quad: usize,
  kept: usize,
  logits: usize,
  residuals: usize,
  means: usize,
): void {
  const labels = labelCount(block)
  const copies: usize = block.antithetic ? 2 : 1
  memory.fill(residuals, 0, block.classes << 6)
  for (let sample: usize = 0; sample < 4; sample++) {
    const index = ((quad << 2) + sample - block.skipped) * copies
    if (index >= block.samples) continue
    for (let copy: usize = 0; copy < copies; copy++) {
      let residual = logits + (labels << 4)
      let stride: usize = 16
      if (block.kept) {
        residual = kept + ((copy + 1) * block.classes << 6) + (sample << 4)
        stride = 64
      } else {
        logitsInto(logits, block, sample, copy == 1)
        const inverse = f32x4.div(f32x4.splat(1), exponentials(logits, labels))
        residualsInto(residual, stride, block, logits, inverse)
      }
      const weight = v128.load32_splat(block.weights + ((index + copy) << 2))
      for (let klass: usize = 0; klass < block.classes; klass++) {
        const weighted = f32x4.mul(weight, v128.load(residual))
        v128.store(means + (klass << 4), f32x4.add(v128.load(means + (klass << 4)), weighted))
        const at = residuals + (klass << 6) + (sample << 4)
        const signed = copy == 1 ? f32x4.neg(weighted) : weighted
        v128.store(at, f32x4.add(v128.load(at), signed))
        residual += stride
      }
    }
  }
}

/** gradient_r += Σ_samples residual · z_r. */
// @ts-ignore: decorator
@inline
function addOuterProduct(gradient: usize, residuals: usize, z: usize, rank: usize): void {
  const residual0 = v128.load(residuals)
  const residual1 = v128.load(residuals, 16)
  const residual2 = v128.load(residuals, 32)
  const residual3 = v128.load(residuals, 48)
  for (let end = z + (rank << 4); z < end; z += 16) {
    const first = f32x4.add(
      f32x4.mul(residual0, v128.load32_splat(z)),
      f32x4.mul(residual1, v128.load32_splat(z, 4)),
    )
    const second = f32x4.add(
      f32x4.mul(residual2, v128.load32_splat(z, 8)),
      f32x4.mul(residual3, v128.load32_splat(z, 12)),
    )
    v128.store(gradient, f32x4.add(v128.load(gradient), f32x4.add(first, second)))
    gradient += 16
  }
}
