// Samples of the logits themselves.
import { expandHalves } from './binary16'
import { Block } from './block'
import { setKey } from './philox'
import { addNoise, logit, lowRankDeviations, OFFSETS, packTile } from './tile'

/** Writes the logits `[samples][C][stride]`. Scratch: a tile. */
export function logits(block: Block): void {
  setKey(block.key0, block.key1)
  expandHalves(block)
  const plane = block.stride << 2
  const last = i32x4.splat(i32(block.voxels - 1))
  for (let voxel: usize = 0; voxel < block.voxels; voxel += 4) {
    v128.store(OFFSETS, i32x4.min_u(i32x4.add(i32x4.splat(i32(voxel)), i32x4(0, 1, 2, 3)), last))
    packTile(block, block.scratch)
    for (let quad: usize = 0; quad < block.quads; quad++) {
      lowRankDeviations(block, quad)
      addNoise(block, quad)
      for (let sample: usize = 0; sample < 4; sample++) {
        const index = (quad << 2) + sample - block.skipped
        if (index >= block.samples) continue
        // A plane has room for whole vectors.
        let output = block.output + index * block.classes * plane + (voxel << 2)
        for (let klass: usize = 0; klass < block.classes; klass++) {
          v128.store(output, logit(block, klass, sample))
          output += plane
        }
      }
    }
  }
}
