// Label maps of a block: noise, low-rank part and argmax fused, so that logits live in registers only.
import { expandHalves } from './binary16'
import { Block } from './block'
import { cullVoxels, LABELS, LEAD_NEEDED, RADIUS } from './culling'
import { LEADING, leadsOfQuad, relateClasses, relativeBytes } from './leads'
import { setKey } from './philox'
import { addNoise, labelOf, lowRankDeviations, OFFSETS, packTile, tileBytes } from './tile'

/** Quads after which a tile that has needed ε in every one stops asking whether it does. */
const TRIALS: usize = 4

/** Writes the label maps `[samples][stride]` of a block. Scratch: a tile and its relative classes, R vectors, 13 bytes a voxel. */
export function labelMaps(block: Block): void {
  setKey(block.key0, block.key1)
  expandHalves(block)
  const voxels = block.voxels
  const relative = block.scratch + tileBytes(block)
  const row = relative + relativeBytes(block)
  const certain = row + (block.rank << 4)
  const uncertain = certain + block.stride
  const radii = uncertain + (block.stride << 2)
  const leads = radii + (block.stride << 2)

  // The labels of the mean, and a list of the voxels where samples may have others.
  memory.fill(certain, 0, voxels)
  let count: usize = 0
  for (let voxel: usize = 0; voxel < voxels; voxel += 4) {
    if (block.cull) cullVoxels(block, voxel, row)
    for (let lane: usize = 0; lane < min<usize>(4, voxels - voxel); lane++) {
      if (block.roi && load<u8>(block.roi + voxel + lane) == 0) continue
      const radius = load<f32>(RADIUS + (lane << 2))
      if (block.cull) {
        store<u8>(certain + voxel + lane, load<u8>(LABELS + (lane << 2)))
        if (radius > block.largestFactorNoise) continue
      }
      store<u32>(uncertain + (count << 2), u32(voxel + lane))
      store<f32>(radii + (count << 2), radius)
      store<f32>(leads + (count << 2), load<f32>(LEAD_NEEDED + (lane << 2)))
      count++
    }
  }
  for (let sample: usize = 0; sample < block.samples; sample++) {
    memory.copy(block.output + sample * block.stride, certain, voxels)
  }

  // A last tile that is not full repeats its last voxel.
  for (let first: usize = 0; first < count; first += 4) {
    for (let lane = count; lane < first + 4; lane++) {
      store<u32>(uncertain + (lane << 2), load<u32>(uncertain + ((count - 1) << 2)))
      store<f32>(radii + (lane << 2), load<f32>(radii + ((count - 1) << 2)))
      store<f32>(leads + (lane << 2), load<f32>(leads + ((count - 1) << 2)))
    }
    v128.store(OFFSETS, v128.load(uncertain + (first << 2)))
    packTile(block, block.scratch)
    if (block.cull) relateClasses(block, relative)
    labelTile(block, v128.load(radii + (first << 2)), v128.load(leads + (first << 2)))
  }
}

function labelTile(block: Block, radius: v128, leadNeeded: v128): void {
  const neighbours = i32x4.add(i32x4.splat(load<i32>(OFFSETS)), i32x4(0, 1, 2, 3))
  const adjacent = i32x4.all_true(i32x4.eq(v128.load(OFFSETS), neighbours))
  let tried: usize = 0
  let decided: usize = 0
  for (let quad: usize = 0; quad < block.quads; quad++) {
    if (block.cull) {
      const largest = v128.load32_splat(block.largestOfQuads + (quad << 2))
      if (i32x4.all_true(f32x4.gt(radius, largest))) continue
      if (tried < TRIALS || decided > 0) {
        tried++
        if (leadsOfQuad(block, quad, leadNeeded)) {
          decided++
          for (let sample: usize = 0; sample < 4; sample++) {
            storeLabels(block, quad, sample, v128.load(LEADING + (sample << 4)), adjacent)
          }
          continue
        }
      }
    }
    lowRankDeviations(block, quad)
    addNoise(block, quad)
    for (let sample: usize = 0; sample < 4; sample++) {
      storeLabels(block, quad, sample, labelOf(block, sample), adjacent)
    }
  }
}

// @ts-ignore: decorator
@inline
function storeLabels(block: Block, quad: usize, sample: usize, labels: v128, adjacent: bool): void {
  const index = (quad << 2) + sample - block.skipped
  if (index >= block.samples) return
  const map = block.output + index * block.stride
  if (adjacent) {
    const bytes = v128.shuffle<u8>(labels, labels, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12)
    v128.store32_lane(map + load<u32>(OFFSETS), bytes, 0)
    return
  }
  v128.store8_lane(map + load<u32>(OFFSETS), labels, 0)
  v128.store8_lane(map + load<u32>(OFFSETS, 4), labels, 4)
  v128.store8_lane(map + load<u32>(OFFSETS, 8), labels, 8)
  v128.store8_lane(map + load<u32>(OFFSETS, 12), labels, 12)
}
