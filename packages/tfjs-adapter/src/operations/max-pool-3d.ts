// The gradient of 3D max pools by way of 2D ones, for backends of TF.js that miscount the places of a window whose last two
// axes differ.
import * as tf from '@tensorflow/tfjs-core'
import { forwardPadding, poolGeometry } from './convolution-geometry'

/** A 3D max pool is a pool of every plane, then one along the first axis; so is its gradient, the other way round. */
export function maxPool3dGradient(backendName: string): tf.KernelConfig {
  return {
    kernelName: tf.MaxPool3DGrad,
    backendName,
    kernelFunc: ({ inputs, attrs }) => {
      const { dy, input, output } = inputs as unknown as Record<'dy' | 'input' | 'output', tf.Tensor>
      const geometry = poolGeometry(input.shape, attrs as unknown as tf.MaxPool3DGradAttrs)
      const [windowZ, ...window] = geometry.kernel
      const [strideZ, ...stride] = geometry.stride
      const [paddingZ, ...padding] = forwardPadding(geometry)
      const of2d = (filterSize: number[], strides: number[], around: [number, number][]): Pool => {
        const pad = [[0, 0], ...around, [0, 0]] as tf.backend_util.ExplicitPadding
        return { filterSize, strides, pad, dimRoundingMode: 'floor' }
      }
      const inPlanes = of2d(window, stride, padding)
      const [batch, depth, ...plane] = input.shape as [number, number, number, number, number]
      const [, outputDepth, outputY, outputX, channels] = output.shape as typeof input.shape
      return tf.tidy(() => {
        const x = tf.reshape(input, [batch * depth, ...plane]) as tf.Tensor4D
        const pooled = tf.maxPool(x, window as Axes, stride as Axes, inPlanes.pad, 'floor')
        const columns = (tensor: tf.Tensor, length: number): tf.Tensor =>
          tf.reshape(tensor, [batch, length, outputY! * outputX!, channels!])
        const along = { dy: columns(dy, outputDepth!), input: columns(pooled, depth) }
        const ofPooled = gradient(
          { ...along, output: columns(output, outputDepth!) },
          of2d([windowZ!, 1], [strideZ!, 1], [paddingZ!, [0, 0]]),
        )
        const planes = { dy: tf.reshape(ofPooled, pooled.shape), input: x, output: pooled }
        return tf.reshape(gradient(planes, inPlanes), input.shape)
      })
    },
  }
}

type Axes = [number, number]

interface Pool {
  readonly filterSize: number[]
  readonly strides: number[]
  readonly pad: tf.backend_util.ExplicitPadding
  readonly dimRoundingMode: 'floor'
}

function gradient(inputs: tf.NamedTensorMap, attributes: Pool): tf.Tensor {
  return tf.engine().runKernel(tf.MaxPoolGrad, inputs, attributes as unknown as tf.NamedAttrMap) as tf.Tensor
}
