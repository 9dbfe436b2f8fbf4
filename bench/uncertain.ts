// The distribution on which nothing can be culled.
import { type LogitDistribution, logitDistribution, standardNormals } from '@stochseg/core'

/** Every voxel uncertain, every sample in need of ε. */
export function uncertain(spatial: readonly number[], classes: number, rank: number): LogitDistribution {
  const logits = classes * spatial.reduce((a, b) => a * b, 1)
  return logitDistribution({
    batch: 1,
    classes,
    rank,
    spatial,
    mean: standardNormals(logits, { seed: 1 }),
    factor: standardNormals(logits * rank, { seed: 2 }).map((x) => 0.3 * x),
    diagonal: standardNormals(logits, { seed: 3 }).map((x) => Math.exp(x)),
  })
}
