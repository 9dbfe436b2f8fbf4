// Label maps of a block: noise, low-rank part and argmax fused, so that logits live in registers only.
import { Block } from './block'
import { CERTAIN, cullVoxels, LABELS, LEAD_NEEDED } from './culling'
import { setKey } from './philox'
import { addNoise, labelOf, logit, lowRankDeviations, OFFSETS, packTile, tileBytes } from './tile'

/** Quads tried for leaving out ε before a tile that never could gives up trying. */
const TRIALS: usize = 4

/** Writes the label maps `[samples][stride]` of a block. Scratch: a tile, R vectors, 9 bytes a voxel. */
export function labelMaps(block: Block): void {
  setKey(block.key0, block.key1)
  const voxels = block.voxels
  const rows = block.scratch + tileBytes(block)
  const certainLabels = rows + (block.rank << 4)
  const uncertain = certainLabels + block.stride
  const leads = uncertain + (block.stride << 2)

  // What no sample changes, and the list of the other voxels.
  memory.fill(certainLabels, 0, voxels)
  let count: usize = 0
  for (let voxel: usize = 0; voxel < voxels; voxel += 4) {
    if (block.cull) cullVoxels(block, voxel, rows)
    for (let lane: usize = 0; lane < min<usize>(4, voxels - voxel); lane++) {
      if (block.roi && load<u8>(block.roi + voxel + lane) == 0) continue
      if (block.cull && load<u32>(CERTAIN + (lane << 2))) {
        store<u8>(certainLabels + voxel + lane, load<u8>(LABELS + (lane << 2)))
      } else {
        store<u32>(uncertain + (count << 2), voxel + lane)
        store<f32>(leads + (count << 2), load<f32>(LEAD_NEEDED + (lane << 2)))
        count++
      }
    }
  }
  for (let sample: usize = 0; sample < block.samples; sample++) {
    memory.copy(block.output + sample * block.stride, certainLabels, voxels)
  }

  // A last tile that is not full repeats its last voxel.
  for (let first: usize = 0; first < count; first += 4) {
    for (let lane: usize = count; lane < first + 4; lane++) {
      store<u32>(uncertain + (lane << 2), load<u32>(uncertain + ((count - 1) << 2)))
      store<f32>(leads + (lane << 2), load<f32>(leads + ((count - 1) << 2)))
    }
    v128.store(OFFSETS, v128.load(uncertain + (first << 2)))
    packTile(block, block.scratch)
    labelTile(block, v128.load(leads + (first << 2)))
  }
}

function labelTile(block: Block, leadNeeded: v128): void {
  let undrawn: usize = 0
  for (let quad: usize = 0; quad < block.quads; quad++) {
    lowRankDeviations(block, quad)
    if (block.cull && (quad < TRIALS || undrawn > 0)) {
      if (leads(block, leadNeeded)) undrawn++
      else addNoise(block, quad)
    } else addNoise(block, quad)
    for (let sample: usize = 0; sample < 4; sample++) {
      const index = (quad << 2) + sample - block.skipped
      if (index < block.samples) storeLabels(block.output + index * block.stride, labelOf(block, sample))
    }
  }
}

/** Whether in all four samples of all four voxels the top logit leads by more than is needed. */
// @ts-ignore: decorator
@inline
function leads(block: Block, needed: v128): bool {
  let all = i32x4.splat(-1)
  for (let sample: usize = 0; sample < 4; sample++) {
    let top = logit(block, 0, sample)
    if (block.classes == 1) {
      all = v128.and(all, f32x4.gt(f32x4.abs(top), needed))
      continue
    }
    let second = f32x4.splat(-Infinity)
    for (let klass: usize = 1; klass < block.classes; klass++) {
      const other = logit(block, klass, sample)
      second = f32x4.pmax(second, f32x4.pmin(top, other))
      top = f32x4.pmax(top, other)
    }
    all = v128.and(all, f32x4.gt(f32x4.sub(top, second), needed))
  }
  return i32x4.all_true(all)
}

// @ts-ignore: decorator
@inline
function storeLabels(row: usize, labels: v128): void {
  v128.store8_lane(row + load<u32>(OFFSETS), labels, 0)
  v128.store8_lane(row + load<u32>(OFFSETS, 4), labels, 4)
  v128.store8_lane(row + load<u32>(OFFSETS, 8), labels, 8)
  v128.store8_lane(row + load<u32>(OFFSETS, 12), labels, 12)
}
