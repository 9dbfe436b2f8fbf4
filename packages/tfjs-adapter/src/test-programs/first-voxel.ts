// Test support: where 3D operations of padding 'same' begin if their stride exceeds the window.
import * as tf from '@tensorflow/tfjs-core'

/** Of voxels 0 to 5 at a stride of 3, by windows of one: the values, and the gradients of their sum. */
export async function firstVoxelFindings(): Promise<Record<string, number[][]>> {
  const line = tf.tensor5d([...Array(6).keys()], [1, 1, 1, 6, 1])
  const one = tf.ones([1, 1, 1, 1, 1]) as tf.Tensor5D
  const strides: [number, number, number] = [1, 1, 3]
  const convolve = (x: tf.Tensor, filter: tf.Tensor): tf.Tensor =>
    tf.conv3d(x as tf.Tensor5D, filter as tf.Tensor5D, strides, 'same')
  const pool =
    (run: typeof tf.maxPool3d) =>
    (x: tf.Tensor): tf.Tensor =>
      run(x as tf.Tensor5D, 1, strides as never, 'same')
  const [maximum, average] = [tf.maxPool3d, tf.avgPool3d].map((run) => pool(run))
  const values = (tensors: tf.Tensor[]): Promise<number[][]> =>
    Promise.all(tensors.map(async (tensor) => [...(await tensor.data())]))
  return {
    convolution: await values([convolve(line, one), ...tf.grads(convolve)([line, one])]),
    'max pool': await values([maximum!(line), tf.grad(maximum!)(line)]),
    'average pool': await values([average!(line), tf.grad(average!)(line)]),
  }
}

/** TF.js begins with the second voxel. */
export const FIRST_VOXEL: Readonly<Record<string, number[][]>> = {
  convolution: [[0, 3], [1, 0, 0, 1, 0, 0], [3]],
  'max pool': [
    [0, 3],
    [1, 0, 0, 1, 0, 0],
  ],
  'average pool': [
    [0, 3],
    [1, 0, 0, 1, 0, 0],
  ],
}
