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
  matMul: (a, b) => tf.matMul(a, b),
  sum: (a, axis) => tf.sum(a, axis),
  logSumExp: (a, axis) => tf.logSumExp(a, axis),
  transpose: (a, order) => tf.transpose(a, [...order]),
  expandDims: (a, axis) => tf.expandDims(a, axis),
}
