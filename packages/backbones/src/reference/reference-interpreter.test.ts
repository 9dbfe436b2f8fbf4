import type { Weights } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import type { NetworkNode, NetworkSpec } from '../spec/network-spec'
import { networkSpec } from '../spec/validate'
import { interpretSpec } from './reference-interpreter'

/** What one node makes of a row of numbers, as an image one voxel high. */
const apply = (
  node: Record<string, unknown>,
  values: number[],
  weights: Record<string, number[]> = {},
): number[] => {
  const spec = networkSpec({
    format: 'stochseg.network',
    version: 1,
    name: 'one node',
    dimensions: 2,
    inputs: [{ name: 'image', channels: 1 }],
    nodes: [{ name: 'node', inputs: ['image'], ...node } as unknown as NetworkNode],
    features: 'node',
  })
  const named: Weights = new Map(
    Object.entries(weights).map(([part, data]) => [
      `node.${part}`,
      { shape: [data.length], data: new Float32Array(data) },
    ]),
  )
  const image = { shape: [1, 1, 1, values.length], data: new Float64Array(values) }
  return [...interpretSpec(spec, named, new Map([['image', image]])).get('node')!.data]
}

// Expected values are worked out by hand.
describe('reference interpreter', () => {
  const convolution = { op: 'convolution', channels: 1, kernel: [1, 3], padding: 'same', bias: true }

  it('convolves without flipping the kernel, with zeros around', () => {
    expect(apply(convolution, [1, 2, 3], { weight: [1, 10, 100], bias: [0.5] })).toEqual([210.5, 321.5, 32.5])
    expect(
      apply({ ...convolution, padding: 'valid' }, [1, 2, 3], { weight: [1, 10, 100], bias: [0] }),
    ).toEqual([321])
  })

  it('puts the odd zero of a strided convolution behind', () => {
    const strided = { ...convolution, stride: [1, 2] }
    expect(apply(strided, [1, 2, 3, 4], { weight: [1, 10, 100], bias: [0] })).toEqual([321, 43])
  })

  it('dilates', () => {
    const dilated = { ...convolution, dilation: [1, 2] }
    expect(apply(dilated, [1, 2, 3, 4], { weight: [1, 10, 100], bias: [0] })).toEqual([310, 420, 31, 42])
  })

  it('up-samples with half-pixel centres and clamped borders', () => {
    const upsample = { op: 'upsample', factor: [1, 2] }
    expect(apply({ ...upsample, kind: 'linear' }, [0, 4, 8])).toEqual([0, 1, 3, 5, 7, 8])
    expect(apply({ ...upsample, kind: 'nearest' }, [0, 4])).toEqual([0, 0, 4, 4])
  })

  it('turns a voxel into a block by a transposed convolution', () => {
    const transposed = { op: 'transposedConvolution', channels: 1, factor: [1, 2], bias: true }
    expect(apply(transposed, [1, 3], { weight: [10, 100], bias: [0.5] })).toEqual([10.5, 100.5, 30.5, 300.5])
  })

  it('normalises an image by its own statistics', () => {
    const node = { op: 'groupNorm', groups: 1, epsilon: 3 }
    expect(apply(node, [1, 3], { scale: [2], bias: [5] })).toEqual([4, 6])
  })

  it('normalises a group of channels together, and a batch in training mode', () => {
    const spec = (node: object): NetworkSpec =>
      networkSpec({
        format: 'stochseg.network',
        version: 1,
        name: 'one node',
        dimensions: 2,
        inputs: [{ name: 'image', channels: 4 }],
        nodes: [{ name: 'node', inputs: ['image'], epsilon: 1e-12, ...node } as unknown as NetworkNode],
        features: 'node',
      })
    const same = (value: number): { shape: number[]; data: Float32Array } => ({
      shape: [4],
      data: new Float32Array(4).fill(value),
    })
    const weights: Weights = new Map([
      ['node.scale', same(1)],
      ['node.bias', same(0)],
      ['node.mean', same(9)],
      ['node.variance', same(9)],
    ])
    const images = { shape: [2, 4, 1, 1], data: Float64Array.of(1, 3, 10, 30, 5, 7, 50, 70) }
    const run = (node: object): number[] => {
      const tensors = interpretSpec(spec(node), weights, new Map([['image', images]]), { training: true })
      return [...tensors.get('node')!.data].map(Math.round)
    }
    expect(run({ op: 'groupNorm', groups: 2 })).toEqual([-1, 1, -1, 1, -1, 1, -1, 1])
    expect(run({ op: 'batchNorm', momentum: 0.9 })).toEqual([-1, -1, -1, -1, 1, 1, 1, 1])
  })

  it('pools, crops and slices', () => {
    expect(apply({ op: 'pool', kind: 'average', window: [1, 2] }, [1, 3, 5, 9])).toEqual([2, 7])
    expect(apply({ op: 'pool', kind: 'max', window: [1, 2] }, [1, 3, 9, 5])).toEqual([3, 9])
    expect(apply({ op: 'crop', before: [0, 1], after: [0, 2] }, [1, 2, 3, 4, 5])).toEqual([2, 3])
    expect(apply({ op: 'slice', start: [0, 1], step: [1, 3] }, [0, 1, 2, 3, 4, 5])).toEqual([1, 4])
  })

  it('normalises with the running estimates and applies activations', () => {
    const statistics = { scale: [2], bias: [1], mean: [3], variance: [3] }
    expect(apply({ op: 'batchNorm', epsilon: 1, momentum: 0.9 }, [3, 5], statistics)).toEqual([1, 3])
    expect(apply({ op: 'activation', function: 'relu' }, [-2, 2])).toEqual([0, 2])
    expect(apply({ op: 'activation', function: 'prelu' }, [-2, 2], { slope: [0.5] })).toEqual([-1, 2])
    expect(apply({ op: 'activation', function: 'leakyRelu', slope: 0.25 }, [-2, 2])).toEqual([-0.5, 2])
    expect(apply({ op: 'activation', function: 'sigmoid' }, [0])).toEqual([0.5])
    expect(apply({ op: 'activation', function: 'tanh' }, [0, Infinity])).toEqual([0, 1])
  })
})
