// UnsortedSegmentSum, the gradient of gather, which TF.js' wasm backend lacks.
import * as tf from '@tensorflow/tfjs-core'

/** x `[n, …]`, segmentIds `[n]` → `[numSegments, …]`: the sum of the slices of each segment; negative ids are left out. */
export const segmentSum: tf.KernelConfig = {
  kernelName: tf.UnsortedSegmentSum,
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs }) => {
    const { x, segmentIds } = inputs as unknown as { x: tf.Tensor; segmentIds: tf.Tensor1D }
    const { numSegments } = attrs as unknown as tf.UnsortedSegmentSumAttrs
    const [count, ...rest] = x.shape as [number, ...number[]]
    const width = tf.util.sizeFromShape(rest)
    const [values, ids] = [x, segmentIds].map((tensor) => tf.backend().readSync(tensor.dataId)) as [
      Float32Array,
      Int32Array,
    ]
    const sums = new Float32Array(numSegments * width)
    for (let row = 0; row < count; row++) {
      const segment = ids[row]!
      if (segment < 0 || segment >= numSegments) continue
      for (let column = 0; column < width; column++) {
        sums[segment * width + column]! += values[row * width + column]!
      }
    }
    return tf.tensor(sums, [numSegments, ...rest], x.dtype)
  },
}
