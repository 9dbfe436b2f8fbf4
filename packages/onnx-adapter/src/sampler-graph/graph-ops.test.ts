import {
  type ArrayOps,
  type Float64NdArray,
  float64Array,
  float64Arrays,
  logMarginalProbabilities,
  marginalEntropyOf,
  monteCarloLoss,
  sampledLogits,
  standardNormals,
} from '@stochseg/core'
import { expect, it } from 'vitest'
import { expectClose } from '../../../../scripts/expect-close'
import { GraphBuilder } from '../graph-builder'
import { encodeOnnxModel } from '../protobuf/onnx-model'
import { runOnnx } from '../run-onnx'
import { graphOps } from './graph-ops'

const [M, N, C, R, S] = [3, 2, 4, 2, 5]
const normals = (shape: readonly number[], plane: number): Float64NdArray => {
  const count = shape.reduce((product, length) => product * length, 1)
  return float64Array(standardNormals(count, { seed: 7, plane }), shape)
}
const inputs: Record<string, Float64NdArray> = {
  mean: normals([N, C, S], 0),
  factor: normals([N, C, R, S], 1),
  logDiagonal: normals([N, C, S], 2),
  z: normals([M, N, R], 3),
  epsilon: normals([M, N, C, S], 4),
  classScale: normals([C], 5),
  componentScale: normals([R], 6),
  targets: float64Array(
    Array.from({ length: N * C * S }, (_, i) => (Math.floor(i / S) % C === i % 3 ? 1 : 0)),
    [N, C, S],
  ),
}

/** Loss and entropy of edited samples: every operation occurs. */
function formulas<T>(
  ops: ArrayOps<T>,
  { mean, factor, logDiagonal, z, epsilon, ...rest }: Record<string, T>,
) {
  const logits = sampledLogits(
    ops,
    { mean: mean!, factor: factor!, diagonal: ops.exp(logDiagonal!) },
    { z: z!, epsilon: epsilon! },
    { classScale: rest.classScale!, componentScale: rest.componentScale! },
  )
  const sizes = { classes: C, samples: M }
  const entropy = marginalEntropyOf(ops, logMarginalProbabilities(ops, logits, sizes), C)
  return { logits, entropy, loss: monteCarloLoss(ops, logits, { targets: rest.targets! }, sizes) }
}

it.each([13, 17, 18, 22])(
  "core's formulas emit ONNX nodes that compute them, operator set %i",
  async (set) => {
    const graph = new GraphBuilder('formula', set)
    const names = formulas(
      graphOps(graph),
      Object.fromEntries(Object.keys(inputs).map((name) => [name, name])),
    )
    const bytes = encodeOnnxModel({
      name: 'formulas',
      operatorSet: set,
      nodes: graph.nodes,
      initializers: graph.constants,
      inputs: Object.entries(inputs).map(([name, { shape }]) => ({ name, shape })),
      outputs: Object.values(names).map((name) => ({ name })),
      metadata: new Map(),
    })
    const feeds = Object.entries(inputs).map(([name, { shape, data }]) => {
      return [name, { shape, data: Float32Array.from(data) }] as const
    })
    const found = await runOnnx(bytes, Object.fromEntries(feeds))
    const expected = formulas(float64Arrays, inputs)
    for (const part of ['logits', 'entropy', 'loss'] as const) {
      expect(found[names[part]]!.shape).toEqual(expected[part].shape)
      expectClose(found[names[part]]!.data, expected[part].data, 2e-6)
    }
  },
)

it('sums exponentials of large logits without overflow', async () => {
  const graph = new GraphBuilder('formula', 17)
  const output = graphOps(graph).logSumExp('x', -1)
  const bytes = encodeOnnxModel({
    ...{ name: 'logSumExp', operatorSet: 17, nodes: graph.nodes, initializers: graph.constants },
    inputs: [{ name: 'x', shape: [2] }],
    outputs: [{ name: output }],
    metadata: new Map(),
  })
  const found = await runOnnx(bytes, { x: { shape: [2], data: Float32Array.of(1000, 1000) } })
  expect(found[output]!.data[0]).toBeCloseTo(1000 + Math.LN2, 3)
})
