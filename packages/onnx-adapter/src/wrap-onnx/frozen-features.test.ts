import { interpretNetwork, unet } from '@stochseg/backbones'
import { type Dataset, ModelError, ShapeError, ssnHead } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { expectClose } from '../../../../scripts/expect-close'
import { exportOnnx } from '../export-onnx'
import { OnnxSegmenter } from '../onnx-segmenter'
import { randomImages, randomWeights } from '../random-network'
import { runOnnx } from '../run-onnx'
import { foreignNetwork } from './foreign-network'
import { FrozenFeatures, withHeads } from './frozen-features'
import { wrapOnnx } from './wrap-onnx'

const spec = unet({ inputChannels: 1, widths: [8, 8], convolutionsPerLevel: 1 })

describe('frozen features', () => {
  it('and the head on them are the network', async () => {
    const head = ssnHead({ classes: 2, rank: 2 })
    const bytes = exportOnnx({ spec, head, weights: randomWeights(spec, head, 1) })
    const [frozen, segmenter] = [await FrozenFeatures.load(bytes), await OnnxSegmenter.load(bytes)]
    const images = randomImages(2, 1, [6, 4])
    const features = await frozen.extract(images, 2, [6, 4])
    const { spec: heads } = frozen.network
    const input = { shape: [2, 8, ...features.spatial], data: Float64Array.from(features.data) }
    const found = interpretNetwork(frozen.network, frozen.weights, new Map([[heads.inputs[0]!.name, input]]))
    const expected = await segmenter.predict(images, 2, [6, 4])
    for (const part of ['mean', 'factor', 'diagonal'] as const) {
      expectClose(expected[part], found[part].data, 1e-5)
    }
    await expect(frozen.extract(images, 1, [6, 4])).rejects.toThrow(ShapeError)
    await expect(frozen.extract(images, 2, [6, 5])).rejects.toThrow(/Pad the image to 6 × 6/)
    await frozen.dispose()
    await segmenter.dispose()
  })

  it('are the same of a file for fixed batches and sizes', async () => {
    const head = ssnHead({ classes: 2, rank: 2 })
    const network = { spec, head, weights: randomWeights(spec, head, 1) }
    const fixed = await FrozenFeatures.load(exportOnnx({ ...network, fixed: { batch: 2, spatial: [6, 4] } }))
    const free = await FrozenFeatures.load(exportOnnx(network))
    const images = randomImages(3, 1, [6, 4])
    expect(await fixed.extract(images, 3, [6, 4])).toEqual(await free.extract(images, 3, [6, 4]))
    await expect(fixed.extract(randomImages(1, 1, [8, 8]), 1, [8, 8])).rejects.toThrow(/for this size alone/)
    await fixed.dispose()
    await free.dispose()
  })

  it('stand in a data set where the images were, and are computed once', async () => {
    const frozen = await FrozenFeatures.load(await wrapOnnx(foreignNetwork(spec, 2, []), { classes: 2 }))
    let reads = 0
    const images: Dataset = {
      ...{ name: 'two', channels: 1, classes: 2, spatial: [4, 4], length: 2 },
      case: async (index) => {
        reads++
        return { id: String(index), image: randomImages(1, 1, [4, 4]), raters: new Uint8Array(32) }
      },
    }
    const features = frozen.dataset(images)
    expect(features).toMatchObject({ channels: 10, classes: 2, spatial: [4, 4], length: 2 })
    const [first, again] = [await features.case(1), await features.case(1)]
    expect(first.image).toBe(again.image)
    expect(first.image).toEqual((await frozen.extract(randomImages(1, 1, [4, 4]), 1, [4, 4])).data)
    expect(first.raters).toEqual(new Uint8Array(32))
    expect(reads).toBe(2)

    const oneKept = frozen.dataset(images, { keepBytes: 10 * 16 * 4 + 1 })
    const read = async (index: number) => (await oneKept.case(index)).image
    expect(await read(0)).toBe(await read(0))
    const [other, anew] = [await read(1), await read(1)]
    expect(other).not.toBe(anew)
    expect(other).toEqual(anew)
    await frozen.dispose()
  })

  it('are exchanged with their heads in the file, and nothing else', async () => {
    const wrapped = await wrapOnnx(foreignNetwork(spec, 2, []), { classes: 2, rank: 1 })
    const frozen = await FrozenFeatures.load(wrapped)
    const weights = new Map(frozen.weights)
    const { shape, data } = weights.get('head.mean.bias')!
    weights.set('head.mean.bias', { shape, data: data.map((value) => value + 1) })
    const changed = withHeads(wrapped, weights)
    const image = { shape: [1, 1, 4, 4], data: randomImages(1, 1, [4, 4]) }
    const [before, after] = [await runOnnx(wrapped, { image }), await runOnnx(changed, { image })]
    expect(after.mean!.data).toEqual(before.mean!.data.map((value) => value + 1))
    expect(after.factor).toEqual(before.factor)
    expect(withHeads(changed, frozen.weights).length).toBe(wrapped.length)
    await frozen.dispose()
  })

  it('need heads in float32, and weights that fit', async () => {
    const foreign = foreignNetwork(spec, 2, [])
    await expect(FrozenFeatures.load(foreign)).rejects.toThrow(ModelError)
    const wrapped = await wrapOnnx(foreign, { classes: 2, rank: 2 })
    expect(() => withHeads(wrapped, new Map())).toThrow(/'head.mean.weight': found nothing/)
    const head = ssnHead({ classes: 2, rank: 2 })
    const half = exportOnnx({ spec, head, weights: randomWeights(spec, head, 1), float16Weights: true })
    await expect(FrozenFeatures.load(half)).rejects.toThrow(/another type than float32/)
  })
})
