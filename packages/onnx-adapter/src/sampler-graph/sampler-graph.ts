// A sampler behind the head, in the graph itself, so that any server can draw samples with no code of ours.
import { type SsnHead, sampledLogits, ValueError } from '@stochseg/core'
import { GraphBuilder } from '../graph-builder'
import type { OnnxValue } from '../protobuf/onnx-model'
import type { GraphPart } from '../spec-graph'
import { graphOps } from './graph-ops'

/**
 * Where the noise of an in-graph sampler comes from: inputs of the graph, so that the same noise gives the same samples
 * everywhere, or the runtime's own generator, which no two runtimes share and nothing can reproduce.
 */
export type GraphSampler =
  | { readonly noise: 'inputs' }
  | { readonly noise: 'random'; readonly samples: number }

/** Nodes of a sampler with the inputs and outputs that it adds to its graph. */
export interface SamplerPart extends GraphPart {
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
}

/** ONNX's number for uint8. */
const UINT8 = { int: 2 }

/**
 * Samples of the distribution in `mean`, `factor` and `diagonal`, by core's formula.
 *
 * Inputs, unless the noise is random: `z` `[M, N, R]` and `epsilon` `[M, N, C, *S]`. Outputs: `sampleLogits`
 * `[M, N, C, *S]`, `sampleLabels` `[M, N, *S]` (uint8; ties go to the lowest class). Throws {@link ValueError} for a head
 * without noise, and for a number of samples that is none.
 *
 * @param axes lengths of the outputs' batch and spatial axes, or names for them.
 */
export function samplerGraph(
  head: SsnHead,
  sampler: GraphSampler,
  operatorSet: number,
  axes: { readonly batch: number | string; readonly spatial: readonly (number | string)[] },
): SamplerPart {
  checkSampler(head, sampler)
  const { classes, rank } = head
  const graph = new GraphBuilder('sampler', operatorSet)
  const reshape = (tensor: string, shape: readonly number[]): string =>
    graph.operator('Reshape', [tensor, graph.integers(shape)])
  const lowRank = head.kind === 'low-rank'

  const noise =
    sampler.noise === 'inputs' ? { z: 'z', epsilon: 'epsilon' } : randomNoise(graph, head, sampler)
  // 0 keeps a length, −1 stands for all that is left.
  const logits = sampledLogits(
    graphOps(graph),
    {
      mean: reshape('mean', [0, 0, -1]),
      diagonal: reshape('diagonal', [0, 0, -1]),
      ...(lowRank ? { factor: reshape('factor', [0, classes, rank, -1]) } : {}),
    },
    { z: noise.z, epsilon: reshape(noise.epsilon, [0, 0, 0, -1]) },
  )
  graph.operator('Reshape', [logits, graph.operator('Shape', [noise.epsilon])], {}, 'sampleLogits')
  graph.operator('Cast', [labels(graph, classes)], { to: UINT8 }, 'sampleLabels')

  const samples = sampler.noise === 'inputs' ? 'samples' : sampler.samples
  const { batch, spatial } = axes
  return {
    nodes: graph.nodes,
    constants: graph.constants,
    inputs:
      sampler.noise === 'random'
        ? []
        : [
            ...(lowRank ? [{ name: 'z', shape: [samples, batch, rank] }] : []),
            { name: 'epsilon', shape: [samples, batch, classes, ...spatial] },
          ],
    outputs: [
      { name: 'sampleLogits', shape: [samples, batch, classes, ...spatial] },
      { name: 'sampleLabels', shape: [samples, batch, ...spatial], type: 'uint8' },
    ],
  }
}

function labels(graph: GraphBuilder, classes: number): string {
  if (classes > 1)
    return graph.operator('ArgMax', ['sampleLogits'], { axis: { int: 2 }, keepdims: { int: 0 } })
  const positive = graph.operator('Greater', ['sampleLogits', graph.floats([0], [])])
  // Squeezing a boolean is not in every runtime.
  const numbers = graph.operator('Cast', [positive], { to: UINT8 })
  return graph.operator('Squeeze', [numbers, graph.integers([2])])
}

/** Normals of the runtime in the shapes `[M, N, R]` and `[M, N, C, *S]`. */
function randomNoise(
  graph: GraphBuilder,
  { rank }: SsnHead,
  { samples }: { readonly samples: number },
): { readonly z: string; readonly epsilon: string } {
  const shape = graph.operator('Shape', ['mean'])
  const batch = graph.operator('Slice', [shape, graph.integers([0]), graph.integers([1])])
  const normals = (lengths: readonly string[]): string => {
    const zeros = graph.operator('ConstantOfShape', [graph.operator('Concat', lengths, { axis: { int: 0 } })])
    return graph.operator('RandomNormalLike', [zeros])
  }
  const count = graph.integers([samples])
  return {
    z: rank > 0 ? normals([count, batch, graph.integers([rank])]) : '',
    epsilon: normals([count, shape]),
  }
}

function checkSampler(head: SsnHead, sampler: GraphSampler): void {
  if (head.kind === 'deterministic') {
    throw new ValueError('sampler', {
      found: 'a deterministic head',
      expected: 'a head with a diagonal, which gives noise its scale',
      remedy: 'Export this network without a sampler',
    })
  }
  if (sampler.noise === 'random' && !(Number.isInteger(sampler.samples) && sampler.samples >= 1)) {
    throw new ValueError('samples of the sampler', {
      found: String(sampler.samples),
      expected: 'a whole number ≥ 1',
      remedy: 'Random noise needs to know how many samples to draw: give their number',
    })
  }
}
