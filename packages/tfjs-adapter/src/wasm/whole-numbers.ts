// Volumes of whole numbers, which TF.js' wasm kernel takes for floats.
import { ModelError } from '@stochseg/core'
import type * as tf from '@tensorflow/tfjs-core'

/** A 3D convolution that throws {@link ModelError} for values other than float32. */
export function refusingWholeNumbers(stock: tf.KernelConfig): tf.KernelConfig {
  return {
    ...stock,
    kernelFunc: (args) => {
      const other = Object.values(args.inputs).find((input) => input?.dtype !== 'float32')
      if (!other) return stock.kernelFunc(args)
      throw new ModelError('3D convolution', {
        found: `values of type ${other.dtype}`,
        expected: 'float32',
        remedy: "Convert them: tf.cast(x, 'float32')",
      })
    },
  }
}
