import { ssnHead } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { unet, unetLidc } from '../networks/unet'
import { interpretSpec } from '../reference/reference-interpreter'
import { parametersOf } from '../weights/parameters'
import { geometryOf } from './geometry'
import type { NetworkNode, NetworkSpec } from './network-spec'
import { networkSpec } from './validate'

const chain = (...nodes: NetworkNode[]): NetworkSpec =>
  networkSpec({
    format: 'stochseg.network',
    version: 1,
    name: 'chain',
    dimensions: 2,
    inputs: [{ name: 'image', channels: 1 }],
    nodes,
    features: nodes.at(-1)!.name,
  })

const convolution = (name: string, input: string, extra: Partial<NetworkNode> = {}): NetworkNode =>
  ({
    op: 'convolution',
    name,
    inputs: [input],
    channels: 1,
    kernel: [3, 3],
    padding: 'valid',
    bias: true,
    ...extra,
  }) as NetworkNode

describe('geometryOf', () => {
  it('takes multiples of 2^(levels − 1) for a U-Net, and gives the size back', () => {
    const geometry = geometryOf(unet({ inputChannels: 1, widths: [1, 1, 1] }))
    expect(geometry.multipleOf).toEqual([4, 4])
    expect(geometry.minimumSize).toEqual([4, 4])
    expect(geometry.outputSize([12, 20])).toEqual([12, 20])
    expect(geometryOf(unetLidc()).multipleOf).toEqual([64, 64])
  })

  it('says which size to pad to', () => {
    const geometry = geometryOf(unet({ inputChannels: 1, widths: [1, 1, 1] }))
    expect(() => geometry.outputSize([13, 20])).toThrow(/found 13 × 20.*Pad the image to 16 × 20/)
    expect(() => geometry.outputSize([16])).toThrow(/2-dimensional/)
  })

  it('counts the receptive field of dilated and strided valid convolutions', () => {
    const geometry = geometryOf(
      chain(
        convolution('a', 'image', { dilation: [2, 1] }),
        convolution('b', 'a', { stride: [1, 2] }),
        convolution('c', 'b'),
      ),
    )
    // Along axis 0: 1 + 4 + 2 + 2; along axis 1: 1 + 2 + 2 + 2 · 2.
    expect(geometry.receptiveField).toEqual([9, 9])
    expect(geometry.outputSize([9, 9])).toEqual([1, 1])
  })

  it('counts what pooling and linear up-sampling add', () => {
    const pool: NetworkNode = { op: 'pool', name: 'pool', inputs: ['image'], kind: 'max', window: [2, 2] }
    const up = (kind: 'nearest' | 'linear'): NetworkNode => ({
      op: 'upsample',
      name: 'up',
      inputs: ['pool'],
      kind,
      factor: [2, 2],
    })
    expect(geometryOf(chain(pool, up('nearest'))).receptiveField).toEqual([2, 2])
    expect(geometryOf(chain(pool, up('linear'))).receptiveField).toEqual([4, 4])
  })

  it.each(['linear', 'nearest'] as const)('is how far changes of the input reach (%s)', (upsampling) => {
    const spec = unet({
      inputChannels: 1,
      widths: [1, 1, 1],
      convolutionsPerLevel: 1,
      normalisation: 'none',
      upsampling,
    })
    const weights = new Map(
      parametersOf(spec, ssnHead({ classes: 1 })).map(({ name, shape }) => [
        name,
        { shape, data: new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5) },
      ]),
    )
    const width = 96
    const features = (changed?: number): Float64Array => {
      const data = new Float64Array(4 * width).fill(1)
      if (changed !== undefined) data[changed]! += 1
      const image = { shape: [1, 1, 4, width], data }
      return interpretSpec(spec, weights, new Map([['image', image]])).get(spec.features)!.data
    }
    const plain = features()
    const reached = Array.from({ length: width }, (_, column) =>
      features(column).map((value, i) => value - plain[i]!),
    )
    const seenBy = (voxel: number): number => reached.filter((change) => change[voxel]! > 0).length
    const [, along] = geometryOf(spec).receptiveField
    expect(Math.max(...[48, 49, 50, 51].map(seenBy))).toBe(along)
  })

  it('finds the sizes of pathways that meet by strided slices and crops, as in DeepMedic', () => {
    const spec = networkSpec({
      format: 'stochseg.network',
      version: 1,
      name: 'two paths',
      dimensions: 2,
      inputs: [{ name: 'image', channels: 1 }],
      nodes: [
        { op: 'slice', name: 'coarse', inputs: ['image'], start: [1, 1], step: [3, 3] },
        convolution('coarse.conv', 'coarse'),
        { op: 'upsample', name: 'coarse.up', inputs: ['coarse.conv'], kind: 'nearest', factor: [3, 3] },
        { op: 'crop', name: 'fine', inputs: ['image'], before: [2, 2], after: [2, 2] },
        convolution('fine.conv', 'fine'),
        { op: 'concat', name: 'both', inputs: ['fine.conv', 'coarse.up'] },
      ],
      features: 'both',
    })
    const geometry = geometryOf(spec)
    expect(geometry.minimumSize).toEqual([9, 9])
    expect(geometry.multipleOf).toEqual([3, 3])
    expect(geometry.outputSize([15, 12])).toEqual([9, 6])
  })

  it('takes the lengths at which strided convolutions come back as they went in', () => {
    const upsample = (input: string, factor: number): NetworkNode => ({
      op: 'upsample',
      name: 'up',
      inputs: [input],
      kind: 'nearest',
      factor: [factor, factor],
    })
    const strided = convolution('a', 'image', { padding: 'same', stride: [2, 2] })
    // 1 and 3 voxels would come back as 2 and 4.
    const two = geometryOf(chain(strided, upsample('a', 2)))
    expect([two.minimumSize, two.multipleOf]).toEqual([
      [2, 2],
      [2, 2],
    ])
    // 3, 4, 7, 8, … fit the pool, of which 3 would come back as 4.
    const pool: NetworkNode = { op: 'pool', name: 'pool', inputs: ['a'], kind: 'max', window: [2, 2] }
    const four = geometryOf(chain(strided, pool, upsample('pool', 4)))
    expect([four.minimumSize, four.multipleOf]).toEqual([
      [4, 4],
      [4, 4],
    ])
    expect(four.outputSize([12, 8])).toEqual([12, 8])
    expect(() => four.outputSize([5, 8])).toThrow(/Pad the image to 8 × 8/)
    // Another resolution: still every size that it names fits.
    const quarter = geometryOf(chain(strided, pool))
    expect([quarter.minimumSize, quarter.multipleOf]).toEqual([
      [4, 4],
      [4, 4],
    ])
  })

  it('refuses a network whose tensors never meet', () => {
    expect(() =>
      geometryOf(chain(convolution('a', 'image'), { op: 'add', name: 'sum', inputs: ['image', 'a'] })),
    ).toThrow(/0 lengths up to 4096/)
  })
})
