// The few array operations that the paper's equations need, so that the equations are written once and run on float64
// arrays, on tensors with autodiff, or build a graph.

/**
 * Operations on arrays of type T.
 *
 * Shapes broadcast as in numpy, the batch axes of `matMul` included. Negative axes count from the end.
 */
export interface ArrayOps<T> {
  /** An array that no gradient flows to; `shape` [] is a scalar. */
  constant(values: readonly number[], shape: readonly number[]): T
  add(a: T, b: T): T
  subtract(a: T, b: T): T
  multiply(a: T, b: T): T
  exp(a: T): T
  sqrt(a: T): T
  /** `[…, I, K] × […, K, J] → […, I, J]`. */
  matMul(a: T, b: T): T
  /** Sum over one axis, which is removed. */
  sum(a: T, axis: number): T
  /** log Σ exp over one axis, which is removed; finite for any finite input. */
  logSumExp(a: T, axis: number): T
  /** `order[i]` is the axis of `a` that becomes axis i. */
  transpose(a: T, order: readonly number[]): T
  /** Inserts an axis of size 1; `axis` is its position in the result. */
  expandDims(a: T, axis: number): T
}
