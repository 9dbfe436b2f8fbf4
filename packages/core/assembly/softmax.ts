// The softmax of a tile's logits in one sample; one class counts as two, the first with logit 0.
import { Block } from './block'
import { exp } from './exponential'
import { logit, mirroredLogit } from './tile'

/** The largest logit of {@link exponentials}. */
export const LARGEST: usize = memory.data(16, 16)

/** Number of labels: of probabilities at a voxel. */
// @ts-ignore: decorator
@inline
export function labelCount(block: Block): usize {
  return max<usize>(block.classes, 2)
}

/** The logits, one vector a label, to `output`. */
// @ts-ignore: decorator
@inline
export function logitsInto(output: usize, block: Block, sample: usize, mirrored: bool): void {
  let at = output
  if (block.classes == 1) {
    v128.store(at, f32x4.splat(0))
    at += 16
  }
  for (let klass: usize = 0; klass < block.classes; klass++) {
    v128.store(at, mirrored ? mirroredLogit(block, klass, sample) : logit(block, klass, sample))
    at += 16
  }
}

/** Replaces logits by exp(logit − largest), and gives their sum. */
// @ts-ignore: decorator
@inline
export function exponentials(logits: usize, labels: usize): v128 {
  if (labels == 2) return twoExponentials(logits)
  const end = logits + (labels << 4)
  let largest = v128.load(logits)
  for (let at = logits + 16; at < end; at += 16) largest = f32x4.pmax(largest, v128.load(at))
  let sum = f32x4.splat(0)
  for (let at = logits; at < end; at += 16) {
    const exponential = exp(f32x4.sub(v128.load(at), largest))
    v128.store(at, exponential)
    sum = f32x4.add(sum, exponential)
  }
  v128.store(LARGEST, largest)
  return sum
}

/** The same for two labels, of which the larger has exp(0) = 1. */
// @ts-ignore: decorator
@inline
function twoExponentials(logits: usize): v128 {
  const first = v128.load(logits)
  const second = v128.load(logits, 16)
  const larger = f32x4.pmax(first, second)
  const one = f32x4.splat(1)
  const smaller = exp(f32x4.sub(f32x4.pmin(first, second), larger))
  const isSecond = f32x4.lt(first, second)
  v128.store(logits, v128.bitselect(smaller, one, isSecond))
  v128.store(logits, v128.bitselect(one, smaller, isSecond), 16)
  v128.store(LARGEST, larger)
  return f32x4.add(one, smaller)
}
