// The gradient of average pools that pad to the same size: TF.js divides by the whole window where its pools divide by what of it
// lies in the image.
import * as tf from '@tensorflow/tfjs-core'

type Gradient = Required<tf.GradConfig>['gradFunc']

interface Pool {
  readonly filterSize: number | readonly number[]
  readonly strides: number | readonly number[]
  readonly pad: unknown
}

/** The gradient of `AvgPool` or `AvgPool3D`: TF.js' own, but where they pad to the same size. */
export function averagePoolGradient(stock: Gradient, kernel: string): Gradient {
  return (gradient, saved, attrs) => {
    const [x] = saved as [tf.Tensor]
    const { filterSize, strides, pad } = attrs as unknown as Pool
    if (pad !== 'same') return stock(gradient, saved, attrs)
    return {
      x: () => tf.tidy(() => samePoolGradient(gradient as tf.Tensor, x, kernel, { filterSize, strides })),
    }
  }
}

/** That of a pool of the padded image without padding, of values times window / part in the image. */
function samePoolGradient(
  dy: tf.Tensor,
  x: tf.Tensor,
  kernel: string,
  { filterSize, strides }: Pick<Pool, 'filterSize' | 'strides'>,
): tf.Tensor {
  const sizes = x.shape.slice(1, -1)
  const along = (value: number | readonly number[], axis: number): number =>
    typeof value === 'number' ? value : value[axis]!
  const sides = sizes.map((size, axis): [number, number] => {
    const reach = (dy.shape[axis + 1]! - 1) * along(strides, axis) + along(filterSize, axis)
    const total = Math.max(reach - size, 0)
    return [Math.floor(total / 2), Math.ceil(total / 2)]
  })
  const scaled = sizes.reduce((result: tf.Tensor, size, axis) => {
    const [window, step] = [along(filterSize, axis), along(strides, axis)]
    const factors = Array.from({ length: dy.shape[axis + 1]! }, (_, place) => {
      const start = place * step - sides[axis]![0]
      return window / (Math.min(start + window, size) - Math.max(start, 0))
    })
    const shape = dy.shape.map((length, index) => (index === axis + 1 ? length : 1))
    return tf.mul(result, tf.tensor(factors, shape))
  }, dy)
  const input = tf.pad(x, [[0, 0], ...sides, [0, 0]])
  const attrs = { filterSize, strides, pad: 'valid' } as unknown as tf.NamedAttrMap
  const whole: tf.Tensor = tf.engine().runKernel(kernel, { dy: scaled, input }, attrs)
  return tf.slice(whole, [0, ...sides.map(([before]) => before), 0], x.shape)
}
