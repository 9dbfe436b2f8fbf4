// The prediction: one label map for each image.
import { checkedFloat16, type Float16Distribution } from '../distribution/float16'
import { checkedDistribution, type LogitDistribution, voxelCount } from '../distribution/logit-distribution'
import { labelOfLogits } from './label-of-logits'

/** The prediction, `[N, *S]`: the label map of the mean. Throws as `sampleLogits`. */
export function meanLabelMap(distribution: LogitDistribution | Float16Distribution): Uint8Array {
  const { batch, classes, spatial, mean } =
    'deviation' in distribution ? checkedFloat16(distribution) : checkedDistribution(distribution)
  const voxels = voxelCount(spatial)
  const output = new Uint8Array(batch * voxels)
  for (let image = 0; image < batch; image++) {
    for (let voxel = 0; voxel < voxels; voxel++) {
      const offset = image * classes * voxels + voxel
      output[image * voxels + voxel] = labelOfLogits(mean, offset, voxels, classes)
    }
  }
  return output
}
