// Padding 'same' of TF.js' own 2D convolutions on wasm, which give zeros where a stride exceeds the kernel: told the padding in
// numbers they do it right.
import type * as tf from '@tensorflow/tfjs-core'
import { forwardPadding, geometry2d } from '../operations/convolution-geometry'

/** A 2D convolution, depthwise or fused or neither, whose padding is in numbers. */
export function paddedInNumbers(stock: tf.KernelConfig): tf.KernelConfig {
  return {
    ...stock,
    kernelFunc: (args) => {
      const { inputs, attrs } = args
      if (attrs?.pad !== 'same') return stock.kernelFunc(args)
      const { x, filter } = inputs
      const geometry = geometry2d(x!.shape, filter!.shape, attrs as unknown as tf.Conv2DAttrs)
      const pad = [[0, 0], ...forwardPadding(geometry), [0, 0]]
      return stock.kernelFunc({ ...args, attrs: { ...attrs, pad, dimRoundingMode: 'floor' } })
    },
  }
}
