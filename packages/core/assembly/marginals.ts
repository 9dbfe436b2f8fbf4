// Marginal probabilities, their entropy and the samples' class volumes, in one pass over the samples.
import { expandHalves } from './binary16'
import { Block } from './block'
import { log } from './exponential'
import { setKey } from './philox'
import { exponentials, labelCount, logitsInto } from './softmax'
import { addNoise, labelsOfQuad, lowRankDeviations, OFFSETS, packTile, QUAD_LABELS, tileBytes } from './tile'

/**
 * Writes probabilities `[labels][stride]` averaged over samples, their entropy in nats `[stride]`, and how many voxels
 * of the block each sample gives to each label, `[samples][labels]` u32. Scratch: a tile, three vectors a label.
 */
export function marginals(block: Block): void {
  setKey(block.key0, block.key1)
  expandHalves(block)
  const labels = labelCount(block)
  const logits = block.scratch + tileBytes(block)
  const partial = logits + (labels << 4)
  // What rounding has taken from the sums so far (Kahan 1965): float32 alone would be off by 1e-3 after 10⁶ samples.
  const lost = partial + (labels << 4)
  const plane = block.stride << 2
  const volumes = block.output + (labels + 1) * plane
  memory.fill(volumes, 0, (block.samples * labels) << 2)
  const share = f32x4.splat(f32(1) / f32(block.samples))

  for (let voxel: usize = 0; voxel < block.voxels; voxel += 4) {
    const last = i32x4.splat(i32(block.voxels - 1))
    v128.store(OFFSETS, i32x4.min_u(i32x4.add(i32x4.splat(i32(voxel)), i32x4(0, 1, 2, 3)), last))
    const present = (1 << min<i32>(4, i32(block.voxels - voxel))) - 1
    packTile(block, block.scratch)
    const sums = block.output + (voxel << 2)
    for (let label: usize = 0; label < labels; label++) v128.store(sums + label * plane, f32x4.splat(0))
    memory.fill(lost, 0, labels << 4)

    for (let quad: usize = 0; quad < block.quads; quad++) {
      lowRankDeviations(block, quad)
      addNoise(block, quad)
      labelsOfQuad(block)
      for (let label: usize = 0; label < labels; label++) v128.store(partial + (label << 4), f32x4.splat(0))
      for (let sample: usize = 0; sample < 4; sample++) {
        const index = (quad << 2) + sample - block.skipped
        if (index >= block.samples) continue
        const label = v128.load(QUAD_LABELS + (sample << 4))
        logitsInto(logits, block, sample, false)
        const inverse = f32x4.div(f32x4.splat(1), exponentials(logits, labels))
        for (let at: usize = 0; at < labels; at++) {
          const probability = f32x4.mul(v128.load(logits + (at << 4)), inverse)
          v128.store(partial + (at << 4), f32x4.add(v128.load(partial + (at << 4)), probability))
          const here = i32x4.bitmask(i32x4.eq(label, i32x4.splat(i32(at)))) & present
          const volume = volumes + ((index * labels + at) << 2)
          store<u32>(volume, load<u32>(volume) + popcnt<u32>(here))
        }
      }
      for (let label: usize = 0; label < labels; label++) {
        const at = sums + label * plane
        const sum = v128.load(at)
        const missing = lost + (label << 4)
        const more = f32x4.sub(v128.load(partial + (label << 4)), v128.load(missing))
        const larger = f32x4.add(sum, more)
        v128.store(missing, f32x4.sub(f32x4.sub(larger, sum), more))
        v128.store(at, larger)
      }
    }

    let entropy = f32x4.splat(0)
    for (let label: usize = 0; label < labels; label++) {
      const at = sums + label * plane
      const probability = f32x4.mul(v128.load(at), share)
      v128.store(at, probability)
      // p log p is 0 at 0: the smallest normal number has a finite logarithm.
      const safe = f32x4.pmax(probability, f32x4.splat(1.17549435e-38))
      entropy = f32x4.sub(entropy, f32x4.mul(probability, log(safe)))
    }
    v128.store(sums + labels * plane, f32x4.pmax(entropy, f32x4.splat(0)))
  }
}
