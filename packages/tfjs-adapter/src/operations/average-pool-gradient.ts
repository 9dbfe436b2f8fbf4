// The gradient of average pools that pad: TF.js divides by the whole window where its pools divide by what of it lies in the image.
import * as tf from '@tensorflow/tfjs-core'
import { type ConvolutionGeometry, forwardPadding, poolGeometry } from './convolution-geometry'

type Gradient = Required<tf.GradConfig>['gradFunc']

/** The gradient of `AvgPool` or `AvgPool3D`: TF.js' own, but where they pad. */
export function averagePoolGradient(stock: Gradient, kernel: string): Gradient {
  return (gradient, saved, attrs) => {
    const [x] = saved as [tf.Tensor]
    const attributes = attrs as unknown as tf.AvgPoolAttrs
    if (attributes.pad === 'valid') return stock(gradient, saved, attrs)
    const geometry = poolGeometry(x.shape, attributes)
    return { x: () => tf.tidy(() => paddedPoolGradient(gradient as tf.Tensor, x, kernel, geometry)) }
  }
}

/** That of a pool of the padded image without padding, of values times window / part in the image. */
function paddedPoolGradient(
  dy: tf.Tensor,
  x: tf.Tensor,
  kernel: string,
  geometry: ConvolutionGeometry,
): tf.Tensor {
  const { inputSize, outputSize, kernel: filterSize, stride: strides, padBefore } = geometry
  const scaled = inputSize.reduce((result: tf.Tensor, size, axis) => {
    const window = filterSize[axis]!
    const factors = Array.from({ length: outputSize[axis]! }, (_, place) => {
      const start = place * strides[axis]! - padBefore[axis]!
      return window / (Math.min(start + window, size) - Math.max(start, 0))
    })
    const shape = dy.shape.map((length, index) => (index === axis + 1 ? length : 1))
    return tf.mul(result, tf.tensor(factors, shape))
  }, dy)
  const input = tf.pad(x, [[0, 0], ...forwardPadding(geometry), [0, 0]])
  const attrs = { filterSize, strides, pad: 'valid' } as unknown as tf.NamedAttrMap
  const whole: tf.Tensor = tf.engine().runKernel(kernel, { dy: scaled, input }, attrs)
  return tf.slice(whole, [0, ...padBefore, 0], x.shape)
}
