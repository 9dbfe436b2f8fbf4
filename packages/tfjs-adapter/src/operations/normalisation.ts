// The arithmetic of batch normalisation: by kernels where the backend has them, else composed. No gradients of its own.
import * as tf from '@tensorflow/tfjs-core'

/** Names under which a backend may have the operations as kernels, with the arguments below as x, scale, … */
export const NORMALISATION = 'StochsegNormalisation'
export const NORMALISATION_GRADIENT = 'StochsegNormalisationGradient'

/** What the kernels read, of which the first has no dy, mean and variance, and the second no bias. */
export interface NormalisationInputs {
  /** `[N, *S, C]`, as x is; the others `[C]`. */
  readonly dy: tf.Tensor
  readonly x: tf.Tensor
  readonly scale: tf.Tensor1D
  readonly bias: tf.Tensor1D
  readonly mean: tf.Tensor1D
  readonly variance: tf.Tensor1D
}

/** y, and the mean and the biased variance `[C]` of each channel of x `[N, *S, C]`. */
export function normalise(
  x: tf.Tensor,
  scale: tf.Tensor1D,
  bias: tf.Tensor1D,
  epsilon: number,
): [y: tf.Tensor, mean: tf.Tensor1D, variance: tf.Tensor1D] {
  if (tf.getKernel(NORMALISATION, tf.getBackend()) === undefined) {
    return composedNormalise(x, scale, bias, epsilon)
  }
  return tf.engine().runKernel(NORMALISATION, { x, scale, bias }, { epsilon }) as never
}

/** Gradients with respect to x, scale and bias. */
export function normaliseGradient(
  dy: tf.Tensor,
  x: tf.Tensor,
  scale: tf.Tensor1D,
  mean: tf.Tensor1D,
  variance: tf.Tensor1D,
  epsilon: number,
): [dx: tf.Tensor, scaleGradient: tf.Tensor1D, biasGradient: tf.Tensor1D] {
  if (tf.getKernel(NORMALISATION_GRADIENT, tf.getBackend()) === undefined) {
    return composedNormaliseGradient(dy, x, scale, mean, variance, epsilon)
  }
  const inputs = { dy, x, scale, mean, variance }
  return tf.engine().runKernel(NORMALISATION_GRADIENT, inputs, { epsilon }) as never
}

/** {@link normalise} on any backend. */
export const composedNormalise: typeof normalise = (x, scale, bias, epsilon) =>
  tf.tidy(() => {
    const flat = tf.reshape(x, [-1, scale.size]) as tf.Tensor2D
    const count = flat.shape[0]
    const mean = tf.div(tf.sum(flat, 0), count) as tf.Tensor1D
    const centred = tf.sub(flat, mean)
    const variance = tf.div(tf.sum(tf.square(centred), 0), count) as tf.Tensor1D
    const slope = tf.mul(scale, tf.rsqrt(tf.add(variance, epsilon)))
    return [tf.reshape(tf.add(tf.mul(centred, slope), bias), x.shape), mean, variance]
  })

/** {@link normaliseGradient} on any backend: dx = scale/σ · (dy − mean(dy) − x̂ · mean(dy·x̂)) with x̂ = (x − mean)/σ. */
export const composedNormaliseGradient: typeof normaliseGradient = (dy, x, scale, mean, variance, epsilon) =>
  tf.tidy(() => {
    const upstream = tf.reshape(dy, [-1, scale.size]) as tf.Tensor2D
    const count = upstream.shape[0]
    const inverse = tf.rsqrt(tf.add(variance, epsilon))
    const normalised = tf.mul(tf.sub(tf.reshape(x, upstream.shape), mean), inverse)
    const biasGradient = tf.sum(upstream, 0) as tf.Tensor1D
    const scaleGradient = tf.sum(tf.mul(upstream, normalised), 0) as tf.Tensor1D
    const offset = tf.div(biasGradient, count)
    const inner = tf.sub(tf.sub(upstream, offset), tf.mul(normalised, tf.div(scaleGradient, count)))
    return [tf.reshape(tf.mul(inner, tf.mul(scale, inverse)), x.shape), scaleGradient, biasGradient]
  })
