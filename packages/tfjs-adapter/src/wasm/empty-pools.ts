// Pools whose windows find no place, as in an image that is too small: TF.js' wasm kernels then read beyond their memory, or do
// not end.
import { ShapeError } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { poolGeometry } from '../operations/convolution-geometry'
import type { Repair } from '../operations/repair-kernels'

/** A pool, in 2D or 3D, of which nothing comes where nothing should. Throws {@link ShapeError} for windows beyond even that. */
export const poolOfNothing: Repair = (stock) => ({
  ...stock,
  kernelFunc: (args) => {
    const { shape } = args.inputs.x!
    const { outputSize, inputSize, kernel } = poolGeometry(shape, args.attrs as unknown as tf.AvgPoolAttrs)
    const output = [shape[0]!, ...outputSize, shape.at(-1)!]
    if (output.every((length) => length > 0)) return stock.kernelFunc(args)
    if (output.every((length) => length >= 0)) return tf.zeros(output)
    throw new ShapeError('pool', {
      found: `an image of ${inputSize.join(' × ')}`,
      expected: `one that holds windows of ${kernel.join(' × ')}`,
      remedy: 'Take larger images',
    })
  },
})

/** The gradient of a pool, zeros where nothing came of it. */
export const poolGradientOfNothing: Repair = (stock) => ({
  ...stock,
  kernelFunc: (args) => {
    const { dy, input } = args.inputs
    return dy!.shape.includes(0) ? tf.zeros(input!.shape) : stock.kernelFunc(args)
  },
})
