// Padding 'same' in 3D where a stride exceeds the window: TF.js begins beyond the first voxel where TensorFlow, Keras and ONNX begin
// with it (but TensorFlow's max pool on a CPU, whose gradient does). It does so too once the voxels at the end that no window
// reaches are cut off.
import * as tf from '@tensorflow/tfjs-core'
import { type ConvolutionGeometry, geometry3d, poolGeometry } from './convolution-geometry'
import type { Repair } from './repair-kernels'

/** Of `Conv3D`, `AvgPool3D`, `MaxPool3D` or `Conv3DBackpropFilterV2`, all of which read x. */
export const fromFirstVoxel: Repair = (stock) => ({
  ...stock,
  kernelFunc: (args) => {
    const x = args.inputs.x as tf.Tensor
    const filterShape = args.inputs.filter?.shape ?? (args.attrs as { filterShape?: number[] }).filterShape
    const reach = reachOf(x.shape, filterShape, args.attrs)
    if (!reach) return stock.kernelFunc(args)
    const run = (): tf.Tensor => {
      const begin = x.shape.map(() => 0)
      return stock.kernelFunc({
        ...args,
        inputs: { ...args.inputs, x: tf.slice(x, begin, reach) },
      }) as tf.Tensor
    }
    return tf.tidy(run)
  },
})

/** Of `Conv3DBackpropInputV2`, which gives what has the shape of x. */
export const toFirstVoxel: Repair = (stock) => ({
  ...stock,
  kernelFunc: (args) => {
    const { inputShape } = args.attrs as unknown as tf.Conv3DBackpropInputV2Attrs
    const reach = reachOf(inputShape, args.inputs.filter!.shape, args.attrs)
    if (!reach) return stock.kernelFunc(args)
    const part = stock.kernelFunc({ ...args, attrs: { ...args.attrs, inputShape: reach } }) as tf.TensorInfo
    return tf.tidy(() => {
      const tensor = tf.engine().makeTensorFromTensorInfo(part)
      return tf.pad(
        tensor,
        inputShape.map((length, axis): [number, number] => [0, length - reach[axis]!]),
      )
    })
  },
})

/** The shape of what windows see of an image of padding 'same', where that is not all of it. */
function reachOf(
  shape: readonly number[],
  filterShape: readonly number[] | undefined,
  attrs: unknown,
): number[] | undefined {
  const attributes = attrs as tf.Conv3DAttrs & tf.MaxPool3DAttrs
  if (attributes.pad !== ('same' as unknown)) return undefined
  const { inputSize, outputSize, kernel, stride, dilation }: ConvolutionGeometry = filterShape
    ? geometry3d(shape, filterShape, attributes)
    : poolGeometry(shape, attributes)
  const reach = inputSize.map((size, axis) => {
    const window = (kernel[axis]! - 1) * dilation[axis]! + 1
    return Math.min(size, (outputSize[axis]! - 1) * stride[axis]! + window)
  })
  if (reach.every((length, axis) => length === inputSize[axis])) return undefined
  return [shape[0]!, ...reach, shape.at(-1)!]
}
