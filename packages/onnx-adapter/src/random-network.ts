// Test support: networks that use every operation, and random weights and images for them.
import {
  initialWeights,
  type NetworkNode,
  type NetworkSpec,
  networkSpec,
  parametersOf,
} from '@stochseg/backbones'
import { type SsnHead, standardNormals, voxelCount, type Weights } from '@stochseg/core'

/** A network that uses every operation with unequal sizes along its axes. */
export function everyOperation(dimensions: 2 | 3): NetworkSpec {
  const axes = (...values: [number, number, number]): number[] => values.slice(0, dimensions)
  const convolution = { op: 'convolution', channels: 3, padding: 'same', bias: true } as const
  const activation = { op: 'activation' } as const
  const nodes: NetworkNode[] = [
    { ...convolution, name: 'a', inputs: ['image'], kernel: axes(3, 4, 2) },
    { op: 'batchNorm', name: 'a.norm', inputs: ['a'], epsilon: 1e-3, momentum: 0.9 },
    { ...activation, name: 'a.prelu', inputs: ['a.norm'], function: 'prelu' },
    { op: 'pool', name: 'average', inputs: ['a.prelu'], kind: 'average', window: axes(2, 3, 1) },
    { op: 'pool', name: 'max', inputs: ['a.prelu'], kind: 'max', window: axes(2, 3, 1) },
    { op: 'add', name: 'sum', inputs: ['average', 'max'] },
    {
      ...convolution,
      name: 'b',
      inputs: ['sum'],
      kernel: axes(3, 2, 3),
      dilation: axes(2, 1, 2),
      bias: false,
    },
    { ...activation, name: 'b.leaky', inputs: ['b'], function: 'leakyRelu', slope: 0.2 },
    { op: 'upsample', name: 'b.linear', inputs: ['b.leaky'], kind: 'linear', factor: axes(2, 3, 1) },
    { op: 'upsample', name: 'b.nearest', inputs: ['b.leaky'], kind: 'nearest', factor: axes(2, 3, 1) },
    { ...convolution, name: 'c', inputs: ['image'], kernel: axes(3, 4, 3), stride: axes(2, 3, 1) },
    { ...activation, name: 'c.tanh', inputs: ['c'], function: 'tanh' },
    { op: 'upsample', name: 'c.linear', inputs: ['c.tanh'], kind: 'linear', factor: axes(2, 3, 1) },
    { op: 'slice', name: 'd', inputs: ['image'], start: axes(1, 0, 0), step: axes(2, 3, 1) },
    { ...activation, name: 'd.sigmoid', inputs: ['d'], function: 'sigmoid' },
    { op: 'upsample', name: 'd.nearest', inputs: ['d.sigmoid'], kind: 'nearest', factor: axes(2, 3, 1) },
    { op: 'dropout', name: 'd.dropout', inputs: ['d.nearest'], rate: 0.5 },
    { op: 'groupNorm', name: 'b.instance', inputs: ['b'], groups: 3, epsilon: 1e-3 },
    {
      op: 'transposedConvolution',
      name: 'b.transposed',
      inputs: ['b.instance'],
      channels: 4,
      factor: axes(2, 3, 1),
      bias: true,
    },
    { op: 'groupNorm', name: 'b.group', inputs: ['b.transposed'], groups: 2, epsilon: 1e-5 },
    { op: 'concat', name: 'all', inputs: ['b.linear', 'b.nearest', 'b.group', 'c.linear', 'd.dropout'] },
    { op: 'crop', name: 'cut', inputs: ['all'], before: axes(1, 0, 2), after: axes(0, 2, 1) },
    { ...convolution, name: 'e', inputs: ['cut'], kernel: axes(2, 3, 1), padding: 'valid' },
    { ...activation, name: 'e.relu', inputs: ['e'], function: 'relu' },
  ]
  return networkSpec({
    format: 'stochseg.network',
    version: 1,
    name: 'every operation',
    dimensions,
    inputs: [{ name: 'image', channels: 2 }],
    nodes,
    features: 'e.relu',
  })
}

/** Weights as after training: nothing is 0 or 1, and variances are positive. */
export function randomWeights(spec: NetworkSpec, head: SsnHead, seed: number): Weights {
  const initial = initialWeights(spec, head, { seed })
  return new Map(
    parametersOf(spec, head).map(({ name, shape, initializer }, index) => {
      const { data } = initial.get(name)!
      if (initializer.kind !== 'constant') return [name, { shape, data }]
      const noise = standardNormals(data.length, { seed, stream: index, plane: 2 })
      return [name, { shape, data: data.map((value, i) => value + 0.3 * Math.tanh(noise[i]!)) }]
    }),
  )
}

/** Images of standard normals `[batch, channels, *spatial]`. */
export function randomImages(batch: number, channels: number, spatial: readonly number[]): Float32Array {
  return standardNormals(batch * channels * voxelCount(spatial), { seed: 99, plane: 3 })
}
