// Test support: a network whose every output is a mean over a box, with or without padding, at its own resolution.
import { type LogitDistribution, logitDistribution, voxelCount } from '../distribution/logit-distribution'
import type { NetworkGeometry } from './network-geometry'
import type { Predict } from './predict-whole-image'

export interface BoxNetwork {
  readonly geometry: NetworkGeometry
  readonly predict: Predict
}

/**
 * Two classes, rank 2. Each output depends on the cells of `step` voxels within `radius` cells around its own: `valid`
 * gives nothing near the border, `same` sees zeros beyond it.
 */
export function boxNetwork(
  padding: 'valid' | 'same',
  { dimensions, radius, step = 1 }: { dimensions: number; radius: number; step?: number },
): BoxNetwork {
  const margin = padding === 'valid' ? radius * step : 0
  const perAxis = (value: number): number[] => Array(dimensions).fill(value)
  const outputSize = (input: readonly number[]): number[] => input.map((length) => length - 2 * margin)
  const geometry = {
    minimumSize: perAxis(2 * margin + step),
    multipleOf: perAxis(step),
    receptiveField: perAxis((2 * radius + 1) * step),
    outputSize,
  }
  const predict: Predict = async (images, batch, spatial) => {
    const output = outputSize(spatial)
    const [voxels, inputs] = [voxelCount(output), voxelCount(spatial)]
    const box = (2 * radius + 1) * step
    const means = new Float32Array(batch * voxels)
    for (let item = 0; item < batch; item++) {
      for (let voxel = 0; voxel < voxels; voxel++) {
        const first = indices(voxel, output).map(
          (index) => (Math.floor(index / step) - radius) * step + margin,
        )
        let sum = 0
        for (let place = 0; place < box ** dimensions; place++) {
          const at = indices(place, perAxis(box)).map((index, axis) => index + first[axis]!)
          if (at.some((index, axis) => index < 0 || index >= spatial[axis]!)) continue
          const offset = at.reduce((row, index, axis) => row * spatial[axis]! + index, 0)
          // A cell's voxels differ among themselves.
          sum += images[item * inputs + offset]! * Math.cos(place)
        }
        means[item * voxels + voxel] = sum
      }
    }
    return fromMeans(means, batch, output)
  }
  return { geometry, predict }
}

/** Parameters that are all told from one value at each voxel. */
function fromMeans(means: Float32Array, batch: number, spatial: readonly number[]): LogitDistribution {
  const voxels = voxelCount(spatial)
  const planes = (count: number, value: (mean: number, plane: number) => number): Float32Array =>
    Float32Array.from({ length: batch * count * voxels }, (_, index) => {
      const [item, plane] = [Math.floor(index / (count * voxels)), Math.floor(index / voxels) % count]
      return value(means[item * voxels + (index % voxels)]!, plane)
    })
  return logitDistribution({
    batch,
    classes: 2,
    rank: 2,
    spatial,
    mean: planes(2, (mean, plane) => (plane + 1) * mean),
    factor: planes(4, (mean, plane) => Math.sin(mean + plane)),
    diagonal: planes(2, (mean, plane) => 0.1 + plane + mean ** 2),
  })
}

function indices(voxel: number, spatial: readonly number[]): number[] {
  return spatial.map((length, axis) => Math.floor(voxel / voxelCount(spatial.slice(axis + 1))) % length)
}
