// A trained head's output in the size of a brain: sure almost everywhere, a tenth of the voxels, in the middle, uncertain.
import { type LogitDistribution, logitDistribution, standardNormals, voxelCount } from '@stochseg/core'

/** Four classes, the variance at its floor. */
export function brain(spatial: readonly number[], rank = 10): LogitDistribution {
  const voxels = voxelCount(spatial)
  const classes = 4
  const normals = standardNormals(65_537, { seed: 1 })
  const fill = (planes: number, value: (normal: number, plane: number, isUncertain: boolean) => number) => {
    const array = new Float32Array(planes * voxels)
    for (let index = 0; index < array.length; index++) {
      const voxel = index % voxels
      const isUncertain = voxel > 0.45 * voxels && voxel < 0.55 * voxels
      array[index] = value(normals[index % normals.length]!, (index - voxel) / voxels, isUncertain)
    }
    return array
  }
  return logitDistribution({
    ...{ batch: 1, classes, rank, spatial },
    mean: fill(classes, (x, plane, isUncertain) => (isUncertain ? x : plane === 0 ? 12 : -12) + 0.1 * x),
    factor: fill(classes * rank, (x, _, isUncertain) => (isUncertain ? 0.5 : 0.05) * x),
    diagonal: fill(classes, () => 1e-5),
  })
}
