// Padding 'same' of TF.js' own convolutions on wasm, which goes wrong where a stride exceeds the kernel: in 2D all that they give
// is then zero, in 3D they begin beyond the first voxel. They do it right when they are told the padding otherwise.
import { ModelError } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { forwardPadding, geometry2d, geometry3d } from '../operations/convolution-geometry'

type Repair = (stock: tf.KernelConfig) => tf.KernelConfig

/** 2D: the padding in numbers. */
const inNumbers: Repair = (stock) => ({
  ...stock,
  kernelFunc: (args) => {
    const { inputs, attrs } = args
    if (attrs?.pad !== 'same') return stock.kernelFunc(args)
    const { x, filter } = inputs
    const geometry = geometry2d(x!.shape, filter!.shape, attrs as unknown as tf.Conv2DAttrs)
    const pad = [[0, 0], ...forwardPadding(geometry), [0, 0]]
    return stock.kernelFunc({ ...args, attrs: { ...attrs, pad, dimRoundingMode: 'floor' } })
  },
})

/** 3D, for which TF.js takes no such numbers: an input that is padded. Whole numbers, which it would take for floats, are refused. */
const before: Repair = (stock) => ({
  ...stock,
  kernelFunc: (args) => {
    const attrs = args.attrs as unknown as tf.Conv3DAttrs
    const { x, filter } = args.inputs as Record<'x' | 'filter', tf.Tensor5D>
    for (const { dtype } of [x, filter]) {
      if (dtype === 'float32') continue
      throw new ModelError('3D convolution', {
        found: `values of type ${dtype}`,
        expected: 'float32',
        remedy: "Convert them: tf.cast(x, 'float32')",
      })
    }
    const geometry = geometry3d(x.shape, filter.shape, attrs)
    const { kernel, stride } = geometry
    if (attrs.pad !== 'same' || stride.every((step, axis) => step <= kernel[axis]!)) {
      return stock.kernelFunc(args)
    }
    return tf.tidy(() => {
      const padded = tf.pad(x, [[0, 0], ...forwardPadding(geometry), [0, 0]])
      return tf.conv3d(padded as tf.Tensor5D, filter, stride as [number, number, number], 'valid')
    })
  },
})

/** What to do with TF.js' kernels, by name. */
export const samePadding: Readonly<Record<string, Repair>> = {
  [tf.Conv2D]: inNumbers,
  [tf.FusedConv2D]: inNumbers,
  [tf.DepthwiseConv2dNative]: inNumbers,
  [tf.FusedDepthwiseConv2D]: inNumbers,
  [tf.Conv3D]: before,
}
