// The z of a block's samples, drawn where the kernels read it: see src/noise/noise.ts.
import { Block } from './block'
import { normalPairs } from './normal'
import { setKey, startVoxels, words } from './philox'

/** The plane of z, apart from every class. */
const FACTOR_PLANE: u32 = 0xffffffff

const STATE: usize = memory.data(48, 16)
const WORDS: usize = memory.data(64, 16)
const NORMALS: usize = memory.data(64, 16)

/** Fills the block's z, `[quads][R][4]`; component scales are 1. */
export function factorNoise(block: Block): void {
  setKey(block.key0, block.key1)
  const rank = block.rank
  for (let first: usize = 0; first < rank; first += 4) {
    startVoxels(STATE, i32x4.add(i32x4.splat(i32(first)), i32x4(0, 1, 2, 3)), block.stream)
    const lanes = min<usize>(4, rank - first)
    for (let quad: usize = 0; quad < block.quads; quad++) {
      words(WORDS, STATE, FACTOR_PLANE, block.firstQuad + u32(quad))
      normalPairs(NORMALS, v128.load(WORDS), v128.load(WORDS, 16))
      normalPairs(NORMALS + 32, v128.load(WORDS, 32), v128.load(WORDS, 48))
      let z = block.z + ((quad * rank + first) << 4)
      for (let lane: usize = 0; lane < lanes; lane++) {
        for (let sample: usize = 0; sample < 4; sample++) {
          store<f32>(z + (sample << 2), load<f32>(NORMALS + (sample << 4) + (lane << 2)))
        }
        z += 16
      }
    }
  }
}
