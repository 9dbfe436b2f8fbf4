// Core's ArrayOps on TF.js tensors, so that its formulas are differentiated by TF.js.
import type { ArrayOps } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'

/** Core's formulas over tensors; see `ArrayOps` for each operation's meaning. */
export const tensorOps: ArrayOps<tf.Tensor> = {
  constant: (values, shape) => tf.tensor([...values], [...shape], 'float32'),
  add: (a, b) => tf.add(a, b),
  subtract: (a, b) => tf.sub(a, b),
  multiply: (a, b) => tf.mul(a, b),
  exp: (a) => tf.exp(a),
  sqrt: (a) => tf.sqrt(a),
  matMul,
  sum: (a, axis) => tf.sum(a, axis),
  logSumExp,
  transpose: (a, order) => tf.transpose(a, [...order]),
  expandDims,
}

/** TF.js pairs batch axes of which only some are 1 wrongly, on every backend: make them equal first. */
function matMul(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2))
  const [left, right] = [a, b].map((tensor) => {
    const shape = [...batch, ...tensor.shape.slice(-2)]
    return tf.util.arraysEqual(shape, tensor.shape) ? tensor : tf.broadcastTo(tensor, shape)
  }) as [tf.Tensor, tf.Tensor]
  return tf.matMul(left, right)
}

/** TF.js' own differentiates through the maximum as well, which costs four times this. */
function logSumExp(a: tf.Tensor, axis: number): tf.Tensor {
  const operation = tf.customGrad((...inputs) => {
    const [x, save] = inputs as [tf.Tensor, tf.GradSaveFunc]
    const value = tf.logSumExp(x, axis)
    save([x, value])
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [input, result] = saved as [tf.Tensor, tf.Tensor]
        const softmax = tf.exp(tf.sub(input, expandDims(result, axis)))
        return tf.mul(expandDims(dy, axis), softmax)
      },
    }
  })
  return operation(a)
}

/** Puts back the axis that a reduction over `axis` removed; TF.js counts a negative one differently. */
function expandDims(reduced: tf.Tensor, axis: number): tf.Tensor {
  return tf.expandDims(reduced, axis < 0 ? reduced.rank + 1 + axis : axis)
}
