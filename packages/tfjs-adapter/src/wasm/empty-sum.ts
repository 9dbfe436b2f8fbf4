// Sums of nothing, for which TF.js' wasm kernel gives what its memory happens to hold.
import * as tf from '@tensorflow/tfjs-core'

/** `Sum`, of nothing zero. */
export function sumOfNothing(stock: tf.KernelConfig): tf.KernelConfig {
  return {
    ...stock,
    kernelFunc: (args) => {
      const { shape, dtype } = args.inputs.x!
      if (!shape.includes(0)) return stock.kernelFunc(args)
      const { axis, keepDims } = args.attrs as unknown as tf.SumAttrs
      const axes = tf.util.parseAxisParam(axis, shape)
      const kept = shape.map((length, index) => (axes.includes(index) ? 1 : length))
      return tf.zeros(keepDims ? kept : shape.filter((_, index) => !axes.includes(index)), dtype)
    },
  }
}
