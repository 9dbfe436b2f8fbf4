import { readFileSync } from 'node:fs'
import { ssnHead } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { referenceData } from '../../../../scripts/reference-data'
import { geometryOf } from '../spec/geometry'
import { parameterCount } from '../weights/parameters'
import { meshnet } from './meshnet'

describe('meshnet', () => {
  it('takes any size and sees 93 voxels', () => {
    const geometry = geometryOf(meshnet({ inputChannels: 1 }))
    expect(geometry.multipleOf).toEqual([1, 1, 1])
    expect(geometry.outputSize([7, 96, 100])).toEqual([7, 96, 100])
    expect(geometry.receptiveField).toEqual([93, 93, 93])
    expect(() => meshnet({ inputChannels: 1, dilations: [] })).toThrow(/no dilations/)
    const normalisation = 'instance' as 'none'
    expect(() => meshnet({ inputChannels: 1, normalisation })).toThrow(
      /found instance; expected batch or none/,
    )
  })

  it('normalises in place of biases where told', () => {
    const ops = meshnet({ inputChannels: 1, dilations: [1, 2], normalisation: 'batch' }).nodes.map(
      ({ op }) => op,
    )
    expect(ops).toEqual(['convolution', 'batchNorm', 'activation', 'convolution', 'batchNorm', 'activation'])
  })

  const published = referenceData('networks/meshnet-tfjs/model.json')
  it.skipIf(!published)(
    'is, with its defaults, a network that others trained (needs networks/meshnet-tfjs)',
    () => {
      const { modelTopology, weightsManifest } = JSON.parse(readFileSync(published!, 'utf8'))
      const { layers } = modelTopology.model_config.config
      const convolutions = layers.filter((layer: { class_name: string }) => layer.class_name === 'Conv3D')
      const spec = meshnet({ inputChannels: 1 })
      expect(spec.nodes.filter(({ op }) => op === 'convolution')).toMatchObject(
        convolutions.slice(0, -1).map((layer: { config: Record<string, unknown> }) => ({
          channels: layer.config.filters,
          kernel: layer.config.kernel_size,
          dilation: layer.config.dilation_rate,
          padding: layer.config.padding,
          bias: layer.config.use_bias,
        })),
      )
      const weights: { shape: number[] }[] = weightsManifest.flatMap(
        (group: { weights: { shape: number[] }[] }) => group.weights,
      )
      expect(parameterCount(spec, ssnHead({ kind: 'deterministic', classes: 3 }))).toBe(
        weights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
      )
    },
  )
})
