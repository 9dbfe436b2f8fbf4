// A dilated convolution by plain ones of the input's phases: it has the gradient that TF.js refuses.
import { convolutionPadding } from '@stochseg/backbones'
import * as tf from '@tensorflow/tfjs-core'
import { joinPhases, splitPhases } from './phases'

/** A convolution's window; along one axis only one of stride and dilation may exceed 1. */
export interface DilatedWindow {
  readonly kernel: readonly number[]
  readonly stride: readonly number[]
  readonly dilation: readonly number[]
  readonly padding: 'same' | 'valid'
}

/**
 * Applies `convolve`, a convolution of this window without dilation and padding, as if it were dilated and padded.
 *
 * @param x `[N, *S, C]`; what `convolve` gives may have other channels.
 */
export function dilatedConvolution(
  x: tf.Tensor,
  window: DilatedWindow,
  convolve: (phases: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  return tf.tidy(() => {
    const { kernel, stride, dilation } = window
    const sizes = x.shape.slice(1, -1)
    const padding = sizes.map((length, axis) => convolutionPadding(window, axis, length))
    const padded = sizes.map((length, axis) => length + padding[axis]![0] + padding[axis]![1])
    const size = padded.map(
      (length, axis) => Math.floor((length - (kernel[axis]! - 1) * dilation[axis]! - 1) / stride[axis]!) + 1,
    )
    // More zeros behind, so that every phase has the same length; what they give is cut off again.
    const even = padding.map(([before, after], axis): [number, number] => {
      const rest = padded[axis]! % dilation[axis]!
      return [before, after + (rest === 0 ? 0 : dilation[axis]! - rest)]
    })
    const phases = splitPhases(tf.pad(x, [[0, 0], ...even, [0, 0]]), dilation)
    const joined = joinPhases(convolve(phases), dilation)
    return tf.slice(joined, Array(joined.rank).fill(0), [x.shape[0]!, ...size, joined.shape.at(-1)!])
  })
}
