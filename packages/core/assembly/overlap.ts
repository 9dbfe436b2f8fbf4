// Voxels that label maps share, pair by pair and class by class. Sixteen voxels at a time: where all maps agree they are
// counted once for all pairs; the others become a bit a voxel and class, and a pair's share is AND, then count the bits.

/** A run of voxels of all maps, and what was counted so far. The host writes it, in this order of fields, four bytes each. */
// @ts-ignore: decorator
@unmanaged
class Overlaps {
  maps: usize
  /** Background included. */
  classes: usize
  /** Of this run, a multiple of 16, and the distance between maps. */
  voxels: usize
  stride: usize
  /** `[maps][stride]` bytes. */
  labels: usize
  /** `[voxels]` bytes, 0 outside; 0 where there is none. */
  roi: usize
  /** `[classes − 1][maps][PLANE]` bits. */
  planes: usize
  /** `[classes − 1][maps][maps]`, the upper triangle. */
  shared: usize
  /** `[256]`: voxels of each label that all maps have. */
  agreed: usize
  /** Whether bits that wait in the planes are to be counted now. */
  last: u32
  /** Bytes of each plane that are waiting. */
  waiting: usize
  /** The largest label seen. */
  largest: u32
}

/** Bytes of a plane: few enough for all maps' planes of a class to stay in the first cache. */
const PLANE: usize = 256

/** Adds a run of voxels. */
export function overlaps(block: Overlaps): void {
  let largest = i8x16.splat(0)
  for (let voxel: usize = 0; voxel < block.voxels; voxel += 16) {
    const inside = insideRoi(block, voxel)
    const end = block.labels + block.maps * block.stride
    const first = v128.and(v128.load(block.labels + voxel), inside)
    let varies = i8x16.splat(0)
    for (let map = block.labels; map < end; map += block.stride) {
      const labels = v128.and(v128.load(map + voxel), inside)
      varies = v128.or(varies, v128.xor(labels, first))
      largest = i8x16.max_u(largest, labels)
    }
    if (v128.any_true(varies)) packVoxels(block, voxel, inside)
    else countAgreed(block, first)
  }
  block.largest = max(block.largest, largestLane(largest))
  if (block.last) countWaiting(block)
}

// @ts-ignore: decorator
@inline
function insideRoi(block: Overlaps, voxel: usize): v128 {
  return block.roi ? i8x16.ne(v128.load(block.roi + voxel), i8x16.splat(0)) : i8x16.splat(-1)
}

// @ts-ignore: decorator
@inline
function countAgreed(block: Overlaps, labels: v128): void {
  const label = i8x16.extract_lane_u(labels, 0)
  let others = i8x16.bitmask(i8x16.ne(labels, i8x16.splat(label)))
  addAgreed(block, label, 16 - popcnt(others))
  while (others) {
    const lane = i8x16.splat(u8(ctz(others)))
    addAgreed(block, i8x16.extract_lane_u(i8x16.swizzle(labels, lane), 0), 1)
    others &= others - 1
  }
}

// @ts-ignore: decorator
@inline
function addAgreed(block: Overlaps, label: u32, count: u32): void {
  const counter = block.agreed + (label << 2)
  store<u32>(counter, load<u32>(counter) + count)
}

function packVoxels(block: Overlaps, voxel: usize, inside: v128): void {
  let plane = block.planes + block.waiting
  const end = block.labels + block.maps * block.stride
  for (let klass: usize = 1; klass < block.classes; klass++) {
    const wanted = i8x16.splat(u8(klass))
    for (let map = block.labels; map < end; map += block.stride) {
      const hits = v128.and(i8x16.eq(v128.load(map + voxel), wanted), inside)
      store<u16>(plane, u16(i8x16.bitmask(hits)))
      plane += PLANE
    }
  }
  block.waiting += 2
  if (block.waiting == PLANE) countWaiting(block)
}

function countWaiting(block: Overlaps): void {
  const length = (block.waiting + 15) & ~15
  const planes = (block.classes - 1) * block.maps
  for (let plane: usize = 0; plane < planes; plane++) {
    memory.fill(block.planes + plane * PLANE + block.waiting, 0, length - block.waiting)
  }
  block.waiting = 0
  for (let klass: usize = 0; klass < block.classes - 1; klass++) {
    const begin = block.planes + klass * block.maps * PLANE
    const end = begin + block.maps * PLANE
    let row = block.shared + ((klass * block.maps * block.maps) << 2)
    for (let map = begin; map < end; map += PLANE) {
      let counter = row + ((map - begin) / PLANE << 2)
      for (let other = map; other < end; other += PLANE) {
        store<u32>(counter, load<u32>(counter) + sharedBits(map, other, length))
        counter += 4
      }
      row += block.maps << 2
    }
  }
}

/** At most PLANE / 16 · 8 ones in a lane: they fit a byte. */
// @ts-ignore: decorator
@inline
function sharedBits(a: usize, b: usize, length: usize): u32 {
  let counts = i8x16.splat(0)
  for (let byte: usize = 0; byte < length; byte += 16) {
    counts = i8x16.add(counts, i8x16.popcnt(v128.and(v128.load(a + byte), v128.load(b + byte))))
  }
  return laneSum(i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(counts)))
}

// @ts-ignore: decorator
@inline
function laneSum(lanes: v128): u32 {
  const pairs = i32x4.add(lanes, i8x16.shuffle(lanes, lanes, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1)
}

function largestLane(labels: v128): u32 {
  let largest: u32 = 0
  for (let lane: u8 = 0; lane < 16; lane++) {
    largest = max(largest, u32(i8x16.extract_lane_u(i8x16.swizzle(labels, i8x16.splat(lane)), 0)))
  }
  return largest
}
