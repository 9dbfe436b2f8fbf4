// How well samples and raters agree once each is paired with its best partner.
import { bitPlanes } from './bit-planes'
import { hungarianAssignment } from './hungarian-assignment'
import type { LabelMapSizes } from './label-maps'
import { pairwiseIouDistance } from './pairwise-iou'

/**
 * Mean foreground IoU of samples and raters under the best one-to-one matching, in [0, 1].
 *
 * Both sides are replicated to the least common multiple of their numbers, so that each counts with equal weight. A
 * class that both maps of a pair lack counts as IoU 1.
 *
 * @param samples label maps laid end to end, `[M, *S]`.
 * @param raters likewise, `[K, *S]`.
 * @param sizes `classes` counts the background (2 for binary masks); `voxels` is the size of one map.
 * @throws ShapeError for a length that is no positive multiple of `voxels`, ValueError for a label that is no class.
 */
export function hungarianMatchedIou(samples: Uint8Array, raters: Uint8Array, sizes: LabelMapSizes): number {
  const { rows, columns, values } = pairwiseIouDistance(
    bitPlanes('samples', samples, sizes),
    bitPlanes('raters', raters, sizes),
  )
  const size = leastCommonMultiple(rows, columns)
  const cost = Float64Array.from({ length: size * size }, (_, index) => {
    const row = Math.floor(index / size) % rows
    const column = (index % size) % columns
    return values[row * columns + column]!
  })
  let distance = 0
  hungarianAssignment(cost, size).forEach((column, row) => {
    distance += cost[row * size + column]!
  })
  return 1 - distance / size
}

function leastCommonMultiple(a: number, b: number): number {
  let [divisor, remainder] = [a, b]
  while (remainder !== 0) [divisor, remainder] = [remainder, divisor % remainder]
  return (a / divisor) * b
}
