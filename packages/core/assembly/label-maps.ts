// Label maps of a block: noise, low-rank part and argmax fused, so that logits live in registers only.
import { expandHalves } from './binary16'
import { Block } from './block'
import { cullVoxels, LABELS, LEAD_NEEDED, RADIUS } from './culling'
import { leadsOfQuad, relateClasses, relativeBytes } from './leads'
import { setKey } from './philox'
import { addNoise, labelsOfQuad, lowRankDeviations, OFFSETS, packTile, QUAD_LABELS, tileBytes } from './tile'

/** Quads after which a tile that has needed ε in every one stops asking whether it does. */
const TRIALS: usize = 4

/** What the label maps of a tile hold before any sample is drawn. */
const EXPECTED: usize = memory.data(16, 16)

/** Bytes before the output's labels: how many voxels are undecided, and whether any other has a label but 0. */
const HEADER: usize = 64

/**
 * Writes, behind the header, the labels that are certain `[stride]`, and, where any voxel is undecided, the label maps
 * `[samples][stride]`. Gives the bytes written. Scratch: a tile and its relative classes, R vectors, 12 bytes a voxel.
 */
export function labelMaps(block: Block): usize {
  setKey(block.key0, block.key1)
  expandHalves(block)
  const voxels = block.voxels
  const relative = block.scratch + tileBytes(block)
  const row = relative + relativeBytes(block)
  const undecided = row + (block.rank << 4)
  const radii = undecided + (block.stride << 2)
  const leads = radii + (block.stride << 2)
  const certain = block.output + HEADER
  const maps = certain + block.stride
  const largest = f32x4.splat(block.largestFactorNoise)

  memory.fill(certain, 0, voxels)
  let any: u32 = 0
  let count: usize = 0
  for (let voxel: usize = 0; voxel < voxels; voxel += 4) {
    if (block.cull) {
      cullVoxels(block, voxel, row)
      if (!block.roi && voxel + 4 <= voxels && i32x4.all_true(f32x4.gt(v128.load(RADIUS), largest))) {
        const labels = v128.load(LABELS)
        v128.store32_lane(certain + voxel, bytesOf(labels), 0)
        any |= u32(v128.any_true(labels))
        continue
      }
    }
    for (let lane: usize = 0; lane < min<usize>(4, voxels - voxel); lane++) {
      if (block.roi && load<u8>(block.roi + voxel + lane) == 0) continue
      const radius = load<f32>(RADIUS + (lane << 2))
      if (block.cull) {
        const label = load<u8>(LABELS + (lane << 2))
        store<u8>(certain + voxel + lane, label)
        any |= label
        if (radius > block.largestFactorNoise) continue
      }
      store<u32>(undecided + (count << 2), u32(voxel + lane))
      store<f32>(radii + (count << 2), radius)
      store<f32>(leads + (count << 2), load<f32>(LEAD_NEEDED + (lane << 2)))
      count++
    }
  }
  store<u32>(block.output, u32(count))
  store<u32>(block.output, any, 4)
  if (count == 0) return HEADER + block.stride
  for (let sample: usize = 0; sample < block.samples; sample++) {
    memory.copy(maps + sample * block.stride, certain, voxels)
  }

  // A last tile that is not full repeats its last voxel.
  for (let first: usize = 0; first < count; first += 4) {
    for (let lane = count; lane < first + 4; lane++) {
      store<u32>(undecided + (lane << 2), load<u32>(undecided + ((count - 1) << 2)))
      store<f32>(radii + (lane << 2), load<f32>(radii + ((count - 1) << 2)))
      store<f32>(leads + (lane << 2), load<f32>(leads + ((count - 1) << 2)))
    }
    v128.store(OFFSETS, v128.load(undecided + (first << 2)))
    packTile(block, block.scratch)
    if (block.cull) relateClasses(block, relative)
    labelTile(block, certain, maps, v128.load(radii + (first << 2)), v128.load(leads + (first << 2)))
  }
  return HEADER + (1 + block.samples) * block.stride
}

function labelTile(block: Block, certain: usize, maps: usize, radius: v128, leadNeeded: v128): void {
  const neighbours = i32x4.add(i32x4.splat(load<i32>(OFFSETS)), i32x4(0, 1, 2, 3))
  const adjacent = i32x4.all_true(i32x4.eq(v128.load(OFFSETS), neighbours))
  for (let lane: usize = 0; lane < 16; lane += 4) {
    store<u32>(EXPECTED + lane, load<u8>(certain + load<u32>(OFFSETS + lane)))
  }
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
          if (!allAre(v128.load(EXPECTED))) storeLabels(block, maps, quad, adjacent)
          continue
        }
      }
    }
    lowRankDeviations(block, quad)
    addNoise(block, quad)
    labelsOfQuad(block)
    storeLabels(block, maps, quad, adjacent)
  }
}

/** Whether the four samples in QUAD_LABELS have these labels. */
// @ts-ignore: decorator
@inline
function allAre(labels: v128): bool {
  const first = v128.or(v128.xor(v128.load(QUAD_LABELS), labels), v128.xor(v128.load(QUAD_LABELS, 16), labels))
  const last = v128.or(v128.xor(v128.load(QUAD_LABELS, 32), labels), v128.xor(v128.load(QUAD_LABELS, 48), labels))
  return !v128.any_true(v128.or(first, last))
}

/** Writes QUAD_LABELS to the maps of those samples of the quad that are asked for. */
// @ts-ignore: decorator
@inline
function storeLabels(block: Block, maps: usize, quad: usize, adjacent: bool): void {
  const first = (quad << 2) - block.skipped
  let map = maps + first * block.stride
  for (let sample: usize = 0; sample < 4; sample++) {
    if (first + sample < block.samples) {
      const labels = v128.load(QUAD_LABELS + (sample << 4))
      if (adjacent) v128.store32_lane(map + load<u32>(OFFSETS), bytesOf(labels), 0)
      else storeApart(map, labels)
    }
    map += block.stride
  }
}

// @ts-ignore: decorator
@inline
function storeApart(map: usize, labels: v128): void {
  v128.store8_lane(map + load<u32>(OFFSETS), labels, 0)
  v128.store8_lane(map + load<u32>(OFFSETS, 4), labels, 4)
  v128.store8_lane(map + load<u32>(OFFSETS, 8), labels, 8)
  v128.store8_lane(map + load<u32>(OFFSETS, 12), labels, 12)
}

/** Four labels as bytes, in the first lane. */
// @ts-ignore: decorator
@inline
function bytesOf(labels: v128): v128 {
  return v128.shuffle<u8>(labels, labels, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12)
}
