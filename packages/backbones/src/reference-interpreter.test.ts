import type { Weights } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import type { NetworkNode } from './network-spec'
import { interpretSpec } from './reference-interpreter'
import { networkSpec } from './validate'

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
