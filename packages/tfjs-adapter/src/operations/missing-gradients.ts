// Gradients that TF.js lacks or has wrong on every backend: put in the place of its own, for all code that uses TF.js.
import * as tf from '@tensorflow/tfjs-core'
import { averagePoolGradient } from './average-pool-gradient'
import { geometryOf } from './convolution-geometry'
import { joinPhases, phasePadding, splitPhases } from './phases'

type Gradient = Required<tf.GradConfig>['gradFunc']

/**
 * Makes the gradients known to TF.js; again changes nothing. Once more after a package that has a TF.js of its own is loaded,
 * as tfjs-node is: it puts TF.js' gradients back.
 */
export function registerMissingGradients(): void {
  if (tf.getGradient(tf.Tile)?.gradFunc === tileGradient) return
  for (const [kernelName, kernels] of Object.entries(CONVOLUTIONS)) {
    const stock = tf.getGradient(kernelName)
    tf.registerGradient({ ...stock, gradFunc: dilatedGradient(stock.gradFunc, kernels) })
  }
  for (const [kernelName, kernel] of Object.entries(AVERAGE_POOLS)) {
    const stock = tf.getGradient(kernelName)
    tf.registerGradient({ ...stock, gradFunc: averagePoolGradient(stock.gradFunc, kernel) })
  }
  const saved = { inputsToSave: ['x'] }
  tf.registerGradient({ kernelName: tf.Cumsum, ...saved, gradFunc: cumulativeSumGradient })
  tf.registerGradient({ kernelName: tf.Tile, ...saved, gradFunc: tileGradient })
  tf.registerGradient({
    kernelName: tf.Conv3DBackpropInputV2,
    inputsToSave: ['dy', 'filter'],
    gradFunc: transposedConvolutionGradient,
  })
}

/** Average pools with the kernels of their gradients. */
const AVERAGE_POOLS = { [tf.AvgPool]: tf.AvgPoolGrad, [tf.AvgPool3D]: tf.AvgPool3DGrad }

/** The gradients of a convolution without dilation, which backends have as kernels. */
const CONVOLUTIONS: Readonly<Record<string, { readonly ofX: string; readonly ofFilter: string }>> = {
  [tf.Conv2D]: { ofX: tf.Conv2DBackpropInput, ofFilter: tf.Conv2DBackpropFilter },
  [tf.Conv3D]: { ofX: tf.Conv3DBackpropInputV2, ofFilter: tf.Conv3DBackpropFilterV2 },
  [tf.DepthwiseConv2dNative]: {
    ofX: tf.DepthwiseConv2dNativeBackpropInput,
    ofFilter: tf.DepthwiseConv2dNativeBackpropFilter,
  },
}

/** TF.js' gradient, but where there is a dilation, which it refuses: then those of the plain convolutions of phases. */
function dilatedGradient(
  stock: Gradient,
  kernels: { readonly ofX: string; readonly ofFilter: string },
): Gradient {
  return (gradient, saved, attrs) => {
    const { dilations } = attrs as unknown as { readonly dilations?: number | number[] }
    if ([dilations ?? 1].flat().every((step) => step === 1)) return stock(gradient, saved, attrs)
    const [x, filter] = saved as [tf.Tensor, tf.Tensor]
    const geometry = geometryOf(x.shape, filter.shape, attrs)
    const { dilation, padBefore, inputSize } = geometry
    const { image, output } = phasePadding(geometry)
    const phases = (tensor: tf.Tensor, padding: readonly [number, number][]): tf.Tensor =>
      splitPhases(tf.pad(tensor, [[0, 0], ...padding, [0, 0]]), dilation)
    const run = (kernel: string, inputs: tf.NamedTensorMap, shapes: object): tf.Tensor => {
      // TF.js allows a dilation without a stride alone.
      const ones = dilation.map(() => 1)
      const plain = { strides: ones, dilations: ones, pad: 'valid', dataFormat: 'NHWC', ...shapes }
      return tf.engine().runKernel(kernel, inputs, plain)
    }
    return {
      x: () =>
        tf.tidy(() => {
          const dy = phases(gradient as tf.Tensor, output)
          const size = inputSize.map((length, axis) => {
            return (length + image[axis]![0] + image[axis]![1]) / dilation[axis]!
          })
          const inputShape = [dy.shape[0]!, ...size, x.shape.at(-1)!]
          const joined = joinPhases(run(kernels.ofX, { dy, filter }, { inputShape }), dilation)
          return tf.slice(joined, [0, ...padBefore, 0], x.shape)
        }),
      filter: () =>
        tf.tidy(() => {
          const inputs = { x: phases(x, image), dy: phases(gradient as tf.Tensor, output) }
          return run(kernels.ofFilter, inputs, { filterShape: filter.shape })
        }),
    }
  }
}

/** Of a transposed 3D convolution, whose kernel is the input's gradient of a convolution. TF.js has none. */
const transposedConvolutionGradient: Gradient = (gradient, saved, attrs) => {
  const [x, filter] = saved as [tf.Tensor5D, tf.Tensor5D]
  const { strides, pad } = attrs as unknown as tf.Conv3DBackpropInputV2Attrs
  const output = gradient as tf.Tensor5D
  const ofFilter = { strides, pad, filterShape: filter.shape }
  return {
    dy: () => tf.conv3d(output, filter, strides, pad as 'same' | 'valid'),
    filter: () =>
      tf.engine().runKernel(tf.Conv3DBackpropFilterV2, { x: output, dy: x }, ofFilter) as tf.Tensor,
  }
}

/** The cumulative sum in the other direction. TF.js permutes its axes wrongly, but along the last. */
const cumulativeSumGradient: Gradient = (gradient, _saved, attrs) => {
  const { axis, exclusive, reverse } = attrs as unknown as tf.CumsumAttrs
  return { x: () => tf.cumsum(gradient as tf.Tensor, axis, exclusive, !reverse) }
}

/** The sum over the copies, axis by axis. TF.js throws beyond four axes. */
const tileGradient: Gradient = (gradient, saved, attrs) => {
  const { shape } = saved[0] as tf.Tensor
  const { reps } = attrs as unknown as tf.TileAttrs
  const ofX = (): tf.Tensor =>
    tf.tidy(() =>
      shape.reduce((sum, length, axis) => {
        if (reps[axis] === 1) return sum
        const inner = tf.util.sizeFromShape(sum.shape.slice(axis + 1))
        const copies = tf.reshape(sum, [-1, reps[axis]!, length * inner])
        return tf.reshape(tf.sum(copies, 1), [
          ...sum.shape.slice(0, axis),
          length,
          ...sum.shape.slice(axis + 1),
        ])
      }, gradient as tf.Tensor),
    )
  return { x: ofX }
}
