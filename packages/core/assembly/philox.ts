// Philox4x32-10 for four voxels at once, at counters (voxel, plane, quad, stream): see src/noise/noise.ts.
// The first two rounds are split: what depends on the voxels alone is computed once for all planes and quads.

const MULTIPLIER_0: u32 = 0xd2511f53
const MULTIPLIER_1: u32 = 0xcd9e8d57
const WEYL_0: u32 = 0x9e3779b9
const WEYL_1: u32 = 0xbb67ae85

/** Round keys 2 … 9, splatted: 8 × (key 0, key 1). */
const ROUND_KEYS: usize = memory.data(8 * 32, 16)

let key0: u32 = 0
let key1: u32 = 0

/** Sets the key (the seed) for all that follows. */
export function setKey(low: u32, high: u32): void {
  key0 = low
  key1 = high
  for (let round: u32 = 2; round < 10; round++) {
    const keys = ROUND_KEYS + (round - 2) * 32
    v128.store(keys, i32x4.splat(low + round * WEYL_0))
    v128.store(keys, i32x4.splat(high + round * WEYL_1), 16)
  }
}

// @ts-ignore: decorator
@inline
function high(low: v128, upper: v128): v128 {
  return v128.shuffle<i32>(low, upper, 1, 3, 5, 7)
}

// @ts-ignore: decorator
@inline
function low(low: v128, upper: v128): v128 {
  return v128.shuffle<i32>(low, upper, 0, 2, 4, 6)
}

/** Bytes that {@link startVoxels} writes. */
export const VOXELS_STATE: usize = 48

/** The voxels' part of rounds 0 and 1, to be kept for {@link words}. */
export function startVoxels(state: usize, voxels: v128, stream: u32): void {
  const m0 = i32x4.splat(MULTIPLIER_0)
  const m1 = i32x4.splat(MULTIPLIER_1)
  const a = i64x2.extmul_low_i32x4_u(voxels, m0)
  const b = i64x2.extmul_high_i32x4_u(voxels, m0)
  const c2 = v128.xor(high(a, b), i32x4.splat(stream ^ key1))
  const c = i64x2.extmul_low_i32x4_u(c2, m1)
  const d = i64x2.extmul_high_i32x4_u(c2, m1)
  v128.store(state, v128.xor(high(c, d), i32x4.splat(key0 + WEYL_0)))
  v128.store(state, low(c, d), 16)
  v128.store(state, v128.xor(low(a, b), i32x4.splat(key1 + WEYL_1)), 32)
}

/** Words 0 … 3 of each of the four voxels, word after word, to `output` (64 bytes). */
// @ts-ignore: decorator
@inline
export function words(output: usize, state: usize, plane: u32, quad: u32): void {
  const m0 = i32x4.splat(MULTIPLIER_0)
  const m1 = i32x4.splat(MULTIPLIER_1)
  const product = u64(MULTIPLIER_1) * u64(quad)
  const uniform = u64(MULTIPLIER_0) * u64(u32(product >> 32) ^ plane ^ key0)
  let c0 = v128.xor(v128.load(state), i32x4.splat(u32(product)))
  let c1 = v128.load(state, 16)
  let c2 = v128.xor(v128.load(state, 32), i32x4.splat(u32(uniform >> 32)))
  let c3 = i32x4.splat(u32(uniform))
  for (let keys = ROUND_KEYS; keys < ROUND_KEYS + 8 * 32; keys += 32) {
    const a = i64x2.extmul_low_i32x4_u(c0, m0)
    const b = i64x2.extmul_high_i32x4_u(c0, m0)
    const c = i64x2.extmul_low_i32x4_u(c2, m1)
    const d = i64x2.extmul_high_i32x4_u(c2, m1)
    c0 = v128.xor(v128.xor(high(c, d), c1), v128.load(keys))
    c1 = low(c, d)
    c2 = v128.xor(v128.xor(high(a, b), c3), v128.load(keys, 16))
    c3 = low(a, b)
  }
  v128.store(output, c0)
  v128.store(output, c1, 16)
  v128.store(output, c2, 32)
  v128.store(output, c3, 48)
}

/** The same for two planes, `plane` and the next: the rounds of one fill the waits of the other. */
// @ts-ignore: decorator
@inline
export function wordsOfTwo(output: usize, state: usize, plane: u32, quad: u32): void {
  const m0 = i32x4.splat(MULTIPLIER_0)
  const m1 = i32x4.splat(MULTIPLIER_1)
  const product = u64(MULTIPLIER_1) * u64(quad)
  const uniformC = u64(MULTIPLIER_0) * u64(u32(product >> 32) ^ plane ^ key0)
  const uniformD = u64(MULTIPLIER_0) * u64(u32(product >> 32) ^ (plane + 1) ^ key0)
  let c0 = v128.xor(v128.load(state), i32x4.splat(u32(product)))
  let c1 = v128.load(state, 16)
  let c2 = v128.xor(v128.load(state, 32), i32x4.splat(u32(uniformC >> 32)))
  let c3 = i32x4.splat(u32(uniformC))
  let d0 = c0
  let d1 = c1
  let d2 = v128.xor(v128.load(state, 32), i32x4.splat(u32(uniformD >> 32)))
  let d3 = i32x4.splat(u32(uniformD))
  for (let keys = ROUND_KEYS; keys < ROUND_KEYS + 8 * 32; keys += 32) {
    const a = i64x2.extmul_low_i32x4_u(c0, m0)
    const b = i64x2.extmul_high_i32x4_u(c0, m0)
    const c = i64x2.extmul_low_i32x4_u(c2, m1)
    const d = i64x2.extmul_high_i32x4_u(c2, m1)
    const e = i64x2.extmul_low_i32x4_u(d0, m0)
    const f = i64x2.extmul_high_i32x4_u(d0, m0)
    const g = i64x2.extmul_low_i32x4_u(d2, m1)
    const h = i64x2.extmul_high_i32x4_u(d2, m1)
    c0 = v128.xor(v128.xor(high(c, d), c1), v128.load(keys))
    c1 = low(c, d)
    c2 = v128.xor(v128.xor(high(a, b), c3), v128.load(keys, 16))
    c3 = low(a, b)
    d0 = v128.xor(v128.xor(high(g, h), d1), v128.load(keys))
    d1 = low(g, h)
    d2 = v128.xor(v128.xor(high(e, f), d3), v128.load(keys, 16))
    d3 = low(e, f)
  }
  v128.store(output, c0)
  v128.store(output, c1, 16)
  v128.store(output, c2, 32)
  v128.store(output, c3, 48)
  v128.store(output, d0, 64)
  v128.store(output, d1, 80)
  v128.store(output, d2, 96)
  v128.store(output, d3, 112)
}
