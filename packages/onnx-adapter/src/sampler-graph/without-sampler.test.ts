import { unet } from '@stochseg/backbones'
import { type HeadKind, ModelError, ssnHead } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { exportOnnx } from '../export-onnx'
import { OnnxSegmenter } from '../onnx-segmenter'
import { readGraph } from '../protobuf/read-graph'
import { randomImages, randomWeights } from '../random-network'
import { FrozenFeatures } from '../wrap-onnx/frozen-features'
import type { GraphSampler } from './sampler-graph'
import { withoutSampler } from './without-sampler'

const spec = unet({ inputChannels: 1, widths: [2, 3], convolutionsPerLevel: 1 })
const images = randomImages(2, 1, [4, 6])

function exported(kind: HeadKind, sampler?: GraphSampler): Uint8Array {
  const head = ssnHead({ kind, classes: 2, rank: 2 })
  return exportOnnx({ spec, head, weights: randomWeights(spec, head, 3), ...(sampler && { sampler }) })
}

describe.each<[string, GraphSampler]>([
  ['noise inputs', { noise: 'inputs' }],
  ['random, not reproducible', { noise: 'random', samples: 3 }],
])('a file with a sampler (%s)', (name, sampler) => {
  it.each<HeadKind>(['low-rank', 'diagonal'])('gives the parameters of one without: %s', async (kind) => {
    const [segmenter, plain] = [
      await OnnxSegmenter.load(exported(kind, sampler)),
      await OnnxSegmenter.load(exported(kind)),
    ]
    expect(segmenter.metadata.sampler).toBe(name)
    expect(await segmenter.predict(images, 2, [4, 6])).toEqual(await plain.predict(images, 2, [4, 6]))
    await segmenter.dispose()
    await plain.dispose()
  })

  it('is run without it: nodes and inputs are those of one without', () => {
    const [rest, plain] = [withoutSampler(exported('low-rank', sampler)), exported('low-rank')]
    const names = (model: Uint8Array): unknown => {
      const { nodes, constants, inputs, outputs } = readGraph(model)
      return { nodes, constants: [...constants.keys()], inputs, outputs }
    }
    expect(names(rest)).toEqual(names(plain))
  })

  it('has heads that can be trained', async () => {
    const [frozen, plain] = [
      await FrozenFeatures.load(exported('low-rank', sampler)),
      await FrozenFeatures.load(exported('low-rank')),
    ]
    expect(await frozen.extract(images, 2, [4, 6])).toEqual(await plain.extract(images, 2, [4, 6]))
    await frozen.dispose()
    await plain.dispose()
  })

  it('is refused where it is cut off', () => {
    const bytes = exported('low-rank', sampler)
    expect(() => withoutSampler(bytes.subarray(0, bytes.length - 3))).toThrow(ModelError)
  })
})

it('a file without a sampler stays as it is', () => {
  const bytes = exported('low-rank')
  expect(withoutSampler(bytes)).toBe(bytes)
})
