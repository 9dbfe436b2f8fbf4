// Parts of tensors of five axes and more: TF.js' wasm backend copies those of up to four fast, all others value by value.
import * as tf from '@tensorflow/tfjs-core'

/**
 * The part of `x` from `begin` on, `size` values along each axis. An axis that is taken whole is one with the axis before it;
 * undefined where more than four axes remain.
 */
export function volumeSlice(
  x: tf.Tensor,
  begin: readonly number[],
  size: readonly number[],
): tf.Tensor | undefined {
  const axes: { length: number; begin: number; size: number }[] = []
  for (const [axis, length] of x.shape.entries()) {
    const before = axes.at(-1)
    if (before && size[axis] === length) {
      for (const key of ['length', 'begin', 'size'] as const) before[key] *= length
    } else {
      axes.push({ length, begin: begin[axis]!, size: size[axis]! })
    }
  }
  if (axes.length > 4) return undefined
  const all = (key: 'length' | 'begin' | 'size'): number[] => axes.map((axis) => axis[key])
  return tf.tidy(() =>
    tf.reshape(tf.slice(tf.reshape(x, all('length')), all('begin'), all('size')), [...size]),
  )
}
