import { deepmedic, geometryOf, meshnet, unet } from '@stochseg/backbones'
import {
  type Edits,
  type Float16Distribution,
  float32Distribution,
  type LogitDistribution,
  sampleLabelMaps,
  ssnHead,
  type Weights,
} from '@stochseg/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportOnnx } from './export-onnx'
import { OnnxSegmenter } from './onnx-segmenter'
import { predictWhole } from './predict-whole'
import { randomImages, randomWeights } from './random-network'

/** The paper's geometry at a reduced width. */
const small = deepmedic({ inputChannels: 2, widths: [4, 4, 4, 4, 4, 4, 5, 5], jointWidths: [8, 8] })
const head = ssnHead({ classes: 2, rank: 2 })

async function load(
  spec: typeof small,
  fixed?: { readonly spatial?: readonly number[]; readonly batch?: number },
): Promise<OnnxSegmenter> {
  // Without training, sums over residual connections grow: keep exp(log-diagonal) finite.
  const weights: Weights = new Map(
    [...randomWeights(spec, head, 3)].map(([name, { shape, data }]) => [
      name,
      { shape, data: name === 'head.logDiagonal.weight' ? data.map((value) => value / 100) : data },
    ]),
  )
  return OnnxSegmenter.load(exportOnnx({ spec, head, weights, ...(fixed && { fixed }) }))
}

function expectClose(found: LogitDistribution, expected: LogitDistribution, tolerance: number): void {
  expect(found.spatial).toEqual(expected.spatial)
  for (const part of ['mean', 'factor', 'diagonal'] as const) {
    const largest = expected[part].reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const difference = expected[part].reduce(
      (most, value, index) => Math.max(most, Math.abs(value - found[part][index]!)),
      0,
    )
    expect(difference / largest).toBeLessThan(tolerance)
  }
}

/** Planes `[channels, size³]` with `margin` zeros on every side. */
function surrounded(planes: Float32Array, size: number, margin: number): Float32Array {
  const outer = size + 2 * margin
  const channels = planes.length / size ** 3
  const result = new Float32Array(channels * outer ** 3)
  for (let row = 0; row < channels * size ** 2; row++) {
    const [channel, z, y] = [Math.floor(row / size ** 2), Math.floor(row / size) % size, row % size]
    const start = ((channel * outer + z + margin) * outer + y + margin) * outer + margin
    result.set(planes.subarray(row * size, (row + 1) * size), start)
  }
  return result
}

/** The share of labels that differ. */
function difference(found: Uint8Array, expected: Uint8Array): number {
  return found.filter((label, index) => label !== expected[index]).length / found.length
}

describe('DeepMedic is fully convolutional: 30\u00b3 tiles are its 60\u00b3 output to float rounding', () => {
  const image = randomImages(1, 2, [60, 60, 60])
  let segmenter: OnnxSegmenter
  let expected: LogitDistribution
  let expectedLabels: Uint8Array
  const draw = (distribution: LogitDistribution | Float16Distribution, edits: Edits = {}): Uint8Array =>
    sampleLabelMaps(distribution, { samples: 4, seed: 1, edits })

  beforeAll(async () => {
    segmenter = await load(small)
    expected = await segmenter.predict(surrounded(image, 60, 40), 1, [140, 140, 140])
    expectedLabels = draw(expected)
  })
  afterAll(() => segmenter.dispose())

  it.each([
    ['float32', 1e-5],
    ['float16', 1e-3],
  ] as const)('in %s, and so are the label maps drawn from them', async (storage, share) => {
    const tiles: number[] = []
    const found = await predictWhole(
      segmenter,
      { images: image, batch: 1, spatial: [60, 60, 60] },
      { tile: [110, 110, 110], storage, onProgress: (_, total) => tiles.push(total) },
    )
    expect(tiles).toEqual(Array(8).fill(8))
    if ('deviation' in found) expectClose(float32Distribution(found), expected, 1 / 1000)
    else expectClose(found, expected, 1e-5)
    expect(difference(draw(found), expectedLabels)).toBeLessThan(share)
  })

  it('an image that is smaller than the receptive field is surrounded by zeros, or refused untiled', async () => {
    const tiny = image.subarray(0, 2 * 7 ** 3)
    await expect(segmenter.predict(tiny, 1, [7, 7, 7])).rejects.toThrow(/Pad the image to 95 × 95 × 95/)
    const found = await predictWhole(segmenter, { images: tiny, batch: 1, spatial: [7, 7, 7] })
    const output = await segmenter.predict(surrounded(tiny, 7, 44), 1, [95, 95, 95])
    const middle = output.mean.filter((_, voxel) =>
      [1, 15, 225].every((stride) => Math.abs((Math.floor(voxel / stride) % 15) - 7) <= 3),
    )
    expect(found.mean).toEqual(middle)
  })

  it('and the factor decides many of these labels', () => {
    expect(difference(draw(expected, { componentScale: [0, 0] }), expectedLabels)).toBeGreaterThan(0.1)
  })
})

it('padded convolutions: tiles that share twice the receptive field\u2019s reach are the whole image', async () => {
  const spec = meshnet({ dimensions: 2, inputChannels: 1, width: 3, dilations: [1, 2, 1] })
  const segmenter = await load(spec)
  const image = { images: randomImages(1, 1, [50, 41]), batch: 1, spatial: [50, 41] }
  const expected = await segmenter.predict(image.images, 1, image.spatial)
  expectClose(await predictWhole(segmenter, image, { tile: [24, 24] }), expected, 1e-5)
  await segmenter.dispose()
})

it('a file for one size: images of others are padded or tiled, and refused untiled', async () => {
  const spec = meshnet({ dimensions: 2, inputChannels: 1, width: 3, dilations: [1, 2, 1] })
  const segmenter = await load(spec, { spatial: [24, 24] })
  const anySize = await load(spec)
  const [small, large] = [
    [10, 24],
    [50, 41],
  ].map((spatial) => {
    return { images: randomImages(1, 1, spatial), batch: 1, spatial }
  })
  expect((await predictWhole(segmenter, small!)).spatial).toEqual([10, 24])
  const expected = await predictWhole(anySize, large!, { tile: [24, 24] })
  expectClose(await predictWhole(segmenter, large!), expected, 1e-5)
  for (const { images, spatial } of [small!, large!]) {
    await expect(segmenter.predict(images, 1, spatial)).rejects.toThrow(/for this size alone/)
  }
  await segmenter.dispose()
  await anySize.dispose()
})

it.each([1, 2])(
  'a file for batches of %i: others are filled up or cut, and refused as they are',
  async (batch) => {
    const spec = meshnet({ dimensions: 2, inputChannels: 1, width: 3, dilations: [1] })
    const segmenter = await load(spec, { batch })
    const anyBatch = await load(spec)
    const spatial = [7, 8]
    for (const count of [1, 2, 3]) {
      const whole = { images: randomImages(count, 1, spatial), batch: count, spatial }
      expectClose(
        await predictWhole(segmenter, whole),
        await anyBatch.predict(whole.images, count, spatial),
        1e-5,
      )
      const untiled = segmenter.predict(whole.images, count, spatial)
      if (count === batch) await untiled
      else await expect(untiled).rejects.toThrow(/batches of this size alone/)
    }
    await segmenter.dispose()
    await anyBatch.dispose()
  },
)

it('a network with pooling: tiles of an image that does not fit are those of the mirrored one', async () => {
  const spec = unet({ inputChannels: 1, widths: [2, 3], convolutionsPerLevel: 1 })
  expect(geometryOf(spec).multipleOf).toEqual([2, 2])
  const segmenter = await load(spec)
  const image = { images: randomImages(1, 1, [33, 47]), batch: 1, spatial: [33, 47] }
  const expected = await predictWhole(segmenter, image)
  expectClose(await predictWhole(segmenter, image, { tile: [24, 24] }), expected, 1e-5)
  await segmenter.dispose()
})

it('tells the sizes of a network without a spec from its smallest image', async () => {
  const segmenter = await load(small)
  const { network: _, ...metadata } = segmenter.metadata
  const foreign = { metadata, predict: segmenter.predict.bind(segmenter) }
  const image = { images: randomImages(1, 2, [15, 15, 15]), batch: 1, spatial: [15, 15, 15] }
  const found = await predictWhole(foreign, image)
  expect(found).toEqual(await predictWhole(segmenter, image))
  await segmenter.dispose()
})
