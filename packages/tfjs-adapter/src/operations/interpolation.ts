// Linear up-sampling along one axis, and its transpose: by a kernel where the backend has one, else by a matrix.
import * as tf from '@tensorflow/tfjs-core'

/** Name under which a backend may have the operation as a kernel. */
export const INTERPOLATION = 'StochsegInterpolation'

/** Half-pixel centres, clamped at the border. */
export interface InterpolationAttributes {
  readonly axis: number
  /** Length of the axis before up-sampling. */
  readonly size: number
  readonly factor: number
  /** From the up-sampled length back to `size`, by the transposed matrix: the gradient. */
  readonly transposed: boolean
}

/** Has no gradient of its own. */
export function interpolate(x: tf.Tensor, attributes: InterpolationAttributes): tf.Tensor {
  if (tf.getKernel(INTERPOLATION, tf.getBackend()) === undefined) return interpolateByMatrix(x, attributes)
  return tf.engine().runKernel(INTERPOLATION, { x }, attributes as unknown as tf.NamedAttrMap) as tf.Tensor
}

/** {@link interpolate} on any backend. */
export function interpolateByMatrix(
  x: tf.Tensor,
  { axis, size, factor, transposed }: InterpolationAttributes,
): tf.Tensor {
  return tf.tidy(() => {
    const before = x.shape.slice(0, axis)
    const after = x.shape.slice(axis + 1)
    const flat = tf.reshape(x, [
      tf.util.sizeFromShape(before),
      x.shape[axis]!,
      tf.util.sizeFromShape(after),
    ]) as tf.Tensor3D
    const matrix = tf.tensor3d(interpolationMatrix(size, factor), [1, size * factor, size])
    const product = tf.matMul(matrix, flat, transposed)
    return tf.reshape(product, [...before, transposed ? size : size * factor, ...after])
  })
}

/** Row-major `[size · factor, size]`: how much of each input voxel goes into each output voxel. */
function interpolationMatrix(size: number, factor: number): Float32Array {
  const matrix = new Float32Array(size * factor * size)
  for (let row = 0; row < size * factor; row++) {
    const position = (row + 0.5) / factor - 0.5
    const lower = Math.floor(position)
    const weight = position - lower
    matrix[row * size + Math.max(lower, 0)]! += 1 - weight
    matrix[row * size + Math.min(lower + 1, size - 1)]! += weight
  }
  return matrix
}
