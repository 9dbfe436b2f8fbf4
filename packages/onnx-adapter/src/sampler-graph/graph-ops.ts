// Core's ArrayOps as nodes of a graph: the formulas emit ONNX. An array is the name of its tensor.
import type { ArrayOps } from '@stochseg/core'
import type { GraphBuilder } from '../graph-builder'

/** Core's formulas over the tensors of a graph; see `ArrayOps` for each operation's meaning. */
export function graphOps(graph: GraphBuilder): ArrayOps<string> {
  const subtract = (a: string, b: string): string => graph.operator('Sub', [a, b])
  const exp = (a: string): string => graph.operator('Exp', [a])
  const expandDims = (a: string, axis: number): string =>
    graph.operator('Unsqueeze', [a, graph.integers([axis])])
  return {
    constant: (values, shape) => graph.floats(values, shape),
    add: (a, b) => graph.operator('Add', [a, b]),
    subtract,
    multiply: (a, b) => graph.operator('Mul', [a, b]),
    exp,
    sqrt: (a) => graph.operator('Sqrt', [a]),
    matMul: (a, b) => graph.operator('MatMul', [a, b]),
    sum: (a, axis) => graph.reduce('ReduceSum', a, axis, false),
    // Not every runtime's ReduceLogSumExp takes the maximum out first.
    logSumExp(a, axis) {
      const largest = graph.reduce('ReduceMax', a, axis, true)
      const logarithm = graph.operator('Log', [
        graph.reduce('ReduceSum', exp(subtract(a, largest)), axis, true),
      ])
      return graph.operator('Squeeze', [graph.operator('Add', [logarithm, largest]), graph.integers([axis])])
    },
    transpose: (a, order) => graph.operator('Transpose', [a], { perm: { ints: order } }),
    expandDims,
  }
}
