import { ModelError } from '@stochseg/core'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { smallNetworks } from '../test-programs/small-networks'
import { prepareForWebgpu } from './prepare-model'

const networks = smallNetworks()

async function meanOf(
  model: Uint8Array,
  { image, spatial }: (typeof networks)[string],
): Promise<Float32Array> {
  const session = await InferenceSession.create(model, { logSeverityLevel: 3 })
  const channels = image.length / spatial.reduce((a, b) => a * b, 1)
  const outputs = await session.run({ image: new Tensor('float32', image, [1, channels, ...spatial]) })
  await session.release()
  return outputs.mean!.data as Float32Array
}

describe('prepareForWebgpu', () => {
  it('leaves a model alone that WebGPU has every operator for', () => {
    const { model } = networks['every operation in 2D']!
    expect(prepareForWebgpu(model)).toEqual({ model, rewritten: [], onCpu: [] })
    expect(prepareForWebgpu(model).model).toBe(model)
  })

  it.each([
    ['every operation in 3D', ['b.transposed']],
    ['a deterministic U-Net in 3D', ['up0.upsample']],
  ])('rewrites transposed convolutions without overlap, computing the same: %s', async (name, rewritten) => {
    const network = networks[name]!
    const prepared = prepareForWebgpu(network.model)
    expect(prepared).toMatchObject({ rewritten, onCpu: [] })
    const [expected, found] = await Promise.all([
      meanOf(network.model, network),
      meanOf(prepared.model, network),
    ])
    expect(found).toHaveLength(expected.length)
    found.forEach((value, index) => {
      expect(value).toBeCloseTo(expected[index]!, 4)
    })
  })

  it('names what is for the CPU, also nodes that have no name', async () => {
    const network = networks['grouped convolutions in 3D']!
    const prepared = prepareForWebgpu(network.model)
    expect(prepared).toMatchObject({ rewritten: [], onCpu: ['grouped', 'overlapping'] })
    expect(await meanOf(prepared.model, network)).toEqual(await meanOf(network.model, network))
  })

  it('throws nothing but a ModelError for bytes that are no model', () => {
    const { model } = networks['every operation in 3D']!
    for (let length = 0; length < model.length; length += 101) {
      try {
        prepareForWebgpu(model.subarray(0, length))
      } catch (error) {
        expect(error).toBeInstanceOf(ModelError)
      }
    }
  })
})
