// The gradient of 3D max pools by way of 2D ones, for backends of TF.js that miscount the places of a window whose last two
// axes differ.
import * as tf from '@tensorflow/tfjs-core'

/** A 3D max pool is a pool of every plane, then one along the first axis; so is its gradient, the other way round. */
export function maxPool3dGradient(backendName: string): tf.KernelConfig {
  return {
    kernelName: tf.MaxPool3DGrad,
    backendName,
    kernelFunc: ({ inputs, attrs }) => {
      const { dy, input, output } = inputs as unknown as Record<'dy' | 'input' | 'output', tf.Tensor>
      const { filterSize, strides, pad } = attrs as unknown as tf.MaxPool3DGradAttrs
      const [windowZ, ...window] = perAxis(filterSize)
      const [strideZ, ...stride] = perAxis(strides)
      const [batch, depth, ...plane] = input.shape as [number, number, number, number, number]
      const [, outputDepth, outputY, outputX, channels] = output.shape as typeof input.shape
      return tf.tidy(() => {
        const x = tf.reshape(input, [batch * depth, ...plane]) as tf.Tensor4D
        const pooled = tf.maxPool(x, window as [number, number], stride as [number, number], pad as 'same')
        const columns = (tensor: tf.Tensor, length: number): tf.Tensor =>
          tf.reshape(tensor, [batch, length, outputY! * outputX!, channels!])
        const along = { dy: columns(dy, outputDepth!), input: columns(pooled, depth) }
        const ofPooled = gradient(
          { ...along, output: columns(output, outputDepth!) },
          { filterSize: [windowZ!, 1], strides: [strideZ!, 1], pad },
        )
        const planes = { dy: tf.reshape(ofPooled, pooled.shape), input: x, output: pooled }
        return tf.reshape(gradient(planes, { filterSize: window, strides: stride, pad }), input.shape)
      })
    },
  }
}

function gradient(inputs: tf.NamedTensorMap, attributes: object): tf.Tensor {
  return tf.engine().runKernel(tf.MaxPoolGrad, inputs, attributes as tf.NamedAttrMap) as tf.Tensor
}

function perAxis(value: number | number[]): number[] {
  return Array.isArray(value) ? value : [value, value, value]
}
