import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { deepmedic, interpretNetwork, meshnet, type NetworkSpec, unet } from '@stochseg/backbones'
import { DETERMINISTIC_VARIANCE, type HeadKind, ModelError, ssnHead } from '@stochseg/core'
import { ModelProtoSchema } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { exportOnnx } from './export-onnx'
import { OnnxSegmenter } from './onnx-segmenter'
import { everyOperation, randomImages, randomWeights } from './random-network'
import type { GraphSampler } from './sampler-graph/sampler-graph'

const tiny = unet({ inputChannels: 2, widths: [3, 4], convolutionsPerLevel: 1 })
const tinyHead = ssnHead({ classes: 2, rank: 3 })
const tinyWeights = randomWeights(tiny, tinyHead, 1)

/** Largest difference, relative to the largest value. */
const difference = (found: Float32Array, expected: Float64Array): number => {
  expect(found.length).toBe(expected.length)
  const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-30)
  return (
    found.reduce((largest, value, index) => Math.max(largest, Math.abs(value - expected[index]!)), 0) / scale
  )
}

describe('exportOnnx', () => {
  const networks: [string, NetworkSpec, HeadKind, number, number[]][] = [
    ['every operation, 2D', everyOperation(2), 'low-rank', 3, [8, 12]],
    ['every operation, 3D', everyOperation(3), 'low-rank', 1, [6, 9, 7]],
    ['a U-Net with average pools', tiny, 'low-rank', 2, [6, 8]],
    [
      'a U-Net without normalisation',
      unet({
        inputChannels: 1,
        widths: [3, 4, 5],
        normalisation: 'none',
        pool: 'max',
        upsampling: 'nearest',
        headConvolutions: { count: 2, width: 3 },
      }),
      'diagonal',
      3,
      [8, 12],
    ],
    [
      'a DeepMedic',
      deepmedic({ inputChannels: 2, widths: [2, 3], jointWidths: [4, 4], featureWidth: 2 }),
      'low-rank',
      2,
      [35, 50, 35],
    ],
    [
      'a deterministic DeepMedic, whose head has no bias',
      deepmedic({
        dimensions: 2,
        inputChannels: 1,
        widths: [2, 3],
        jointWidths: [4, 4],
        scaleFactors: [3, 1],
        featureWidth: 0,
      }),
      'deterministic',
      3,
      [15, 18],
    ],
    [
      'a residual U-Net in 3D with instance normalisation and transposed convolutions',
      unet({
        dimensions: 3,
        inputChannels: 1,
        widths: [3, 4],
        normalisation: 'instance',
        activation: 'leakyRelu',
        upsampling: 'transposed',
        residual: true,
      }),
      'low-rank',
      2,
      [4, 6, 8],
    ],
    [
      'a U-Net with group normalisation',
      unet({ inputChannels: 2, widths: [4, 8], normalisation: 'group', groups: 2, activation: 'prelu' }),
      'low-rank',
      2,
      [6, 8],
    ],
    ['a MeshNet', meshnet({ inputChannels: 1, dilations: [1, 2, 4, 1] }), 'low-rank', 2, [6, 9, 7]],
    [
      'a U-Net in 3D',
      unet({ dimensions: 3, inputChannels: 1, widths: [2, 3] }),
      'deterministic',
      3,
      [4, 6, 2],
    ],
  ]
  it.each(networks)(
    'computes what the reference interpreter does: %s',
    async (_, spec, kind, classes, spatial) => {
      const head = ssnHead({ kind, classes, rank: 3, epsilon: 1e-3 })
      const weights = randomWeights(spec, head, 5)
      const channels = spec.inputs[0]!.channels
      const images = randomImages(2, channels, spatial)

      const segmenter = await OnnxSegmenter.load(exportOnnx({ spec, head, weights }))
      const found = await segmenter.predict(images, 2, spatial)
      await segmenter.dispose()
      const input = { shape: [2, channels, ...spatial], data: Float64Array.from(images) }
      const expected = interpretNetwork({ spec, head }, weights, new Map([[spec.inputs[0]!.name, input]]))

      expect(found.spatial).toEqual(expected.mean.shape.slice(2))
      expect(difference(found.mean, expected.mean.data)).toBeLessThan(1e-5)
      expect(difference(found.factor, expected.factor.data)).toBeLessThan(1e-5)
      expect(difference(found.diagonal, expected.diagonal.data)).toBeLessThan(1e-5)
      if (kind === 'deterministic') expect(found.diagonal[0]).toBe(Math.fround(DETERMINISTIC_VARIANCE))
    },
  )

  it('writes the same bytes as a complete implementation of protocol buffers', () => {
    const bytes = exportOnnx({
      spec: everyOperation(3),
      head: tinyHead,
      weights: randomWeights(everyOperation(3), tinyHead, 1),
    })
    expect(toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, bytes))).toEqual(bytes)
  })

  it("carries every weight under the spec's name, with its shape and bits", () => {
    const { graph } = fromBinary(
      ModelProtoSchema,
      exportOnnx({ spec: tiny, head: tinyHead, weights: tinyWeights }),
    )
    const tensors = new Map(graph!.initializer.map((tensor) => [tensor.name, tensor]))
    for (const [name, { shape, data }] of tinyWeights) {
      const tensor = tensors.get(name)!
      expect(tensor.dims.map(Number)).toEqual(shape)
      expect(new Float32Array(tensor.rawData.slice().buffer)).toEqual(data)
    }
  })

  it('declares dynamic batch and sizes, and only the outputs that the head has', () => {
    const outputs = (kind: HeadKind): (string | undefined)[] => {
      const head = ssnHead({ kind, classes: 2, rank: 3 })
      const bytes = exportOnnx({ spec: tiny, head, weights: randomWeights(tiny, head, 1) })
      const { input, output } = fromBinary(ModelProtoSchema, bytes).graph!
      return [...input, ...output].map(({ name, type }) => {
        const dimensions = type?.value.case === 'tensorType' ? type.value.value.shape!.dim : []
        return `${name} ${dimensions.map((dimension) => dimension.value.value).join(' ')}`
      })
    }
    const image = 'image batch 2 height width'
    const mean = 'mean batch 2 height width'
    const diagonal = 'diagonal batch 2 height width'
    expect(outputs('low-rank')).toEqual([image, mean, diagonal, 'factor batch 6 height width'])
    expect(outputs('diagonal')).toEqual([image, mean, diagonal])
    expect(outputs('deterministic')).toEqual([image, mean])
  })

  it('declares other sizes for the outputs of a network that crops', () => {
    const spec = everyOperation(2)
    const bytes = exportOnnx({ spec, head: tinyHead, weights: randomWeights(spec, tinyHead, 1) })
    const type = fromBinary(ModelProtoSchema, bytes).graph!.output[0]!.type!.value
    const dimensions = type.case === 'tensorType' ? type.value.shape!.dim : []
    expect(dimensions.map(({ value }) => value.value)).toEqual(['batch', 2n, 'output_height', 'output_width'])
  })

  it('refuses names that two tensors of the graph would have', () => {
    const refused = (spec: NetworkSpec, sampler?: GraphSampler) => () =>
      exportOnnx({
        ...{ spec, head: tinyHead, weights: randomWeights(spec, tinyHead, 1) },
        ...(sampler && { sampler }),
      })
    const first = tiny.nodes[0]!
    const namedAs = (name: string): NetworkSpec => ({
      ...tiny,
      nodes: [...tiny.nodes, { op: 'activation', function: 'relu', name, inputs: [tiny.features] }],
      features: name,
    })
    expect(refused(namedAs(`${first.name}.weight`))).toThrow(ModelError)
    expect(refused(namedAs('z'))).not.toThrow()
    expect(refused(namedAs('z'), { noise: 'inputs' })).toThrow(/two tensors that are called 'z'.*Rename/)
  })

  it("refuses other networks' weights, several inputs and reserved properties", () => {
    const head = ssnHead({ classes: 3, rank: 3 })
    expect(() => exportOnnx({ spec: tiny, head, weights: tinyWeights })).toThrow(/'head.mean.weight'/)
    const two: NetworkSpec = { ...tiny, inputs: [...tiny.inputs, { name: 'other', channels: 1 }] }
    expect(() => exportOnnx({ spec: two, head: tinyHead, weights: tinyWeights })).toThrow(/2 inputs/)
    expect(() =>
      exportOnnx({ spec: tiny, head: tinyHead, weights: tinyWeights, properties: { 'stochseg.head': 'x' } }),
    ).toThrow(/'stochseg.head'/)
  })
})
