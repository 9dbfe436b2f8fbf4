// Factor and standard deviation kept in binary16: made float32 before a kernel begins.
import { Block } from './block'

/** Fills the block's factor and diagonal from their halves, where it has such. */
export function expandHalves(block: Block): void {
  if (!block.halfDeviation) return
  const plane = block.stride << 1
  for (let at: usize = 0; at < block.classes * block.rank * plane; at += 8) {
    v128.store(block.factor + (at << 1), toFloat32(block.halfFactor + at))
  }
  for (let at: usize = 0; at < block.classes * plane; at += 8) {
    const deviation = toFloat32(block.halfDeviation + at)
    v128.store(block.diagonal + (at << 1), f32x4.mul(deviation, deviation))
  }
}

/** Four numbers. Moved into place, a half's exponent is 112 too small; scaling mends that, for subnormals too. */
// @ts-ignore: decorator
@inline
function toFloat32(halves: usize): v128 {
  const bits = v128.load16x4_u(halves)
  const magnitude = i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13)
  const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16)
  return v128.or(f32x4.mul(magnitude, f32x4.splat(5.192296858534828e33)), sign)
}
