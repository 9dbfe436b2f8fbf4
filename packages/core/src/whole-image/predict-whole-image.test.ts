import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { float32Distribution } from '../distribution/float16'
import { type LogitDistribution, logitDistribution, voxelCount } from '../distribution/logit-distribution'
import { ModelError, OutOfMemoryError, ShapeError, ValueError } from '../errors'
import { standardNormals } from '../noise/draw-noise'
import { meanLabelMap } from '../sampling/mean-label-map'
import { sampleLabelMaps } from '../sampling/sample-label-maps'
import { cutTile } from './border'
import { boxNetwork } from './box-network'
import { type Predict, predictWholeImage, wholeImagePrediction } from './predict-whole-image'

const randomImages = (batch: number, spatial: readonly number[]): Float32Array =>
  standardNormals(batch * voxelCount(spatial), { seed: 5 })

function expectEqual(found: LogitDistribution, expected: LogitDistribution, tolerance = 1e-6): void {
  expect(found.spatial).toEqual(expected.spatial)
  for (const part of ['mean', 'factor', 'diagonal'] as const) {
    expect(found[part].length).toBe(expected[part].length)
    found[part].forEach((value, index) => {
      const exact = expected[part][index]!
      if (Math.abs(value - exact) > tolerance * (1 + Math.abs(exact))) {
        expect.fail(`${part}[${index}] is ${value}, not ${exact}`)
      }
    })
  }
}

/** A distribution's voxels `[start, start + length)` of its only axis. */
function part(whole: LogitDistribution, start: number, length: number): LogitDistribution {
  const voxels = whole.spatial[0]!
  const cut = (planes: Float32Array): Float32Array =>
    planes.filter((_, index) => index % voxels >= start && index % voxels < start + length)
  const { mean, factor, diagonal } = whole
  return logitDistribution({
    ...{ ...whole, spatial: [length] },
    ...{ mean: cut(mean), factor: cut(factor), diagonal: cut(diagonal) },
  })
}

describe('tiles are the whole image', () => {
  test.each([
    { dimensions: 1, spatial: [37], tile: [14] },
    { dimensions: 2, spatial: [11, 18], tile: [11, 9] },
    { dimensions: 3, spatial: [6, 7, 9], tile: [9, 8, 7] },
  ])('valid convolutions, $dimensions axes', async ({ dimensions, spatial, tile }) => {
    const { geometry, predict } = boxNetwork('valid', { dimensions, radius: 2 })
    const images = randomImages(2, spatial)
    const whole = { images, batch: 2, spatial }
    const reference = await predict(
      cutTile(images, spatial, { corner: spatial.map(() => -2), size: spatial.map((n) => n + 4) }, 'zero'),
      2,
      spatial.map((n) => n + 4),
    )
    expectEqual(await predictWholeImage(predict, whole, { geometry, tile }), reference, 0)
  })

  test('valid convolutions with strides: tiles keep to the grid, and the image lies in its middle', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          length: fc.integer({ min: 1, max: 40 }),
          step: fc.integer({ min: 1, max: 4 }),
          radius: fc.integer({ min: 0, max: 2 }),
          cells: fc.integer({ min: 1, max: 4 }),
          border: fc.constantFrom('zero' as const, 'mirror' as const, 'edge' as const),
        }),
        async ({ length, step, radius, cells, border }) => {
          const { geometry, predict } = boxNetwork('valid', { dimensions: 1, radius, step })
          const images = randomImages(1, [length])
          const options = { geometry, border, tile: [(2 * radius + cells) * step] }
          const found = await predictWholeImage(predict, { images, batch: 1, spatial: [length] }, options)
          const frame = Math.ceil(length / step) * step
          const shift = Math.floor((frame - length) / 2)
          const size = [frame + 2 * radius * step]
          const padded = cutTile(images, [length], { corner: [-shift - radius * step], size }, border)
          expectEqual(found, part(await predict(padded, 1, size), shift, length), 0)
        },
      ),
    ))

  test('padded convolutions, where neighbours share twice what the padding reaches', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          length: fc.integer({ min: 1, max: 60 }),
          step: fc.integer({ min: 1, max: 3 }),
          radius: fc.integer({ min: 0, max: 2 }),
          cells: fc.nat(4),
        }),
        async ({ length, step, radius, cells }) => {
          const { geometry, predict } = boxNetwork('same', { dimensions: 1, radius, step })
          const images = randomImages(1, [length])
          const tile = [(4 * radius + 3 + cells) * step * 2]
          const found = await predictWholeImage(
            predict,
            { images, batch: 1, spatial: [length] },
            { geometry, tile },
          )
          const size = [Math.ceil(length / step) * step]
          const shift = Math.floor((size[0]! - length) / 2)
          const padded = cutTile(images, [length], { corner: [-shift], size }, 'mirror')
          expectEqual(found, part(await predict(padded, 1, size), shift, length))
        },
      ),
    ))
})

test('padded convolutions that see far: tiles are averaged, and every parameter with the same weights', async () => {
  const { geometry, predict } = boxNetwork('same', { dimensions: 1, radius: 0 })
  const farSighted = { ...geometry, receptiveField: [101] }
  let calls = 0
  // Each tile sees its number instead of the image.
  const numbered: Predict = (images, batch, spatial) => {
    const number = calls++
    return predict(
      images.map(() => number),
      batch,
      spatial,
    )
  }
  const whole = { images: new Float32Array(12), batch: 1, spatial: [12] }
  const options = { geometry: farSighted, tile: [8], overlap: [4] }
  const { mean, factor, diagonal } = await predictWholeImage(numbered, whole, options)
  const ramp = [0, 0, 0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1, 1, 1]
  expect([...mean.subarray(0, 12)]).toEqual(ramp)
  for (const [voxel, weight] of ramp.entries()) {
    expect(factor[voxel]).toBeCloseTo(weight * Math.sin(1), 6)
    expect(diagonal[voxel]).toBeCloseTo(0.1 + weight, 6)
  }
})

describe('binary16', () => {
  const { geometry, predict } = boxNetwork('same', { dimensions: 2, radius: 1 })
  const whole = { images: randomImages(1, [20, 30]), batch: 1, spatial: [20, 30] }

  test('is the float32 distribution to its rounding', async () => {
    const options = { geometry, tile: [9, 12] }
    const exact = await predictWholeImage(predict, whole, options)
    const half = await predictWholeImage(predict, whole, { ...options, storage: 'float16' })
    expect(half.factor).toBeInstanceOf(Uint16Array)
    expectEqual(float32Distribution(half), exact, 4 / 2048)
  })

  test('refuses what it cannot hold', async () => {
    const large: Predict = async (images, batch, spatial) => {
      const parameters = await predict(images, batch, spatial)
      return { ...parameters, factor: parameters.factor.map((value) => value * 1e6) }
    }
    await expect(predictWholeImage(large, whole, { geometry, storage: 'float16' })).rejects.toThrow(
      /factor: .* 65520. Keep the distribution in float32/,
    )
  })
})

describe('a region of interest', () => {
  const { geometry, predict } = boxNetwork('valid', { dimensions: 2, radius: 1 })
  const spatial = [12, 12]
  const images = randomImages(1, spatial)
  const roi = Uint8Array.from({ length: 144 }, (_, voxel) => (voxel % 12 < 5 && voxel < 60 ? 1 : 0))
  const options = { geometry, tile: [8, 8] }

  test.each(['float32', 'float16'] as const)('is certain of label 0 outside, in %s', async (storage) => {
    const found = await predictWholeImage(
      predict,
      { images, batch: 1, spatial, roi },
      { ...options, storage },
    )
    const samples = sampleLabelMaps(found, { samples: 50, seed: 1 })
    expect(samples.some((label, index) => label !== 0 && roi[index % 144] === 0)).toBe(false)
    expect(samples.some((label) => label !== 0)).toBe(true)
    const { factor, diagonal } = 'deviation' in found ? float32Distribution(found) : found
    for (const [voxel, inside] of roi.entries()) {
      if (inside) continue
      expect(diagonal[144 + voxel]! / 1e-5).toBeCloseTo(1, 2)
      expect(factor[3 * 144 + voxel]).toBe(0)
    }
  })

  test('leaves out the tiles that have no voxel of it', async () => {
    const spied = vi.fn(predict)
    const found = await predictWholeImage(spied, { images, batch: 1, spatial, roi }, options)
    expect(spied).toHaveBeenCalledTimes(1)
    const everything = await predictWholeImage(predict, { images, batch: 1, spatial }, options)
    roi.forEach((inside, voxel) => {
      expect(found.mean[voxel]).toBe(inside ? everything.mean[voxel] : 20)
      expect(found.factor[voxel]).toBe(inside ? everything.factor[voxel] : 0)
      expect(found.diagonal[voxel]).toBe(inside ? everything.diagonal[voxel] : Math.fround(1e-5))
    })
  })

  test('may be empty', async () => {
    const nothing = new Uint8Array(144)
    const found = await predictWholeImage(predict, { images, batch: 1, spatial, roi: nothing }, options)
    expect(meanLabelMap(found).some((label) => label !== 0)).toBe(false)
  })

  test('of another size is refused', () =>
    expect(
      predictWholeImage(predict, { images, batch: 1, spatial, roi: new Uint8Array(3) }, options),
    ).rejects.toThrow(ShapeError))
})

describe('progress and interruption', () => {
  const { geometry, predict } = boxNetwork('valid', { dimensions: 1, radius: 1 })
  const whole = { images: randomImages(1, [20]), batch: 1, spatial: [20] }
  const options = { geometry, tile: [7] }

  test('every tile is told', async () => {
    const onProgress = vi.fn()
    await predictWholeImage(predict, whole, { ...options, onProgress })
    expect(onProgress.mock.calls).toEqual([1, 2, 3, 4].map((done) => [done, 4]))
  })

  test('no tile is predicted after an abort', async () => {
    const controller = new AbortController()
    const spied = vi.fn(predict)
    const running = predictWholeImage(spied, whole, {
      ...options,
      signal: controller.signal,
      onProgress: (done) => done === 2 && controller.abort('enough'),
    })
    await expect(running).rejects.toBe('enough')
    expect(spied).toHaveBeenCalledTimes(2)
  })
})

describe('when memory runs out', () => {
  const { geometry, predict } = boxNetwork('valid', { dimensions: 2, radius: 1 })
  const whole = { images: randomImages(1, [16, 16]), batch: 1, spatial: [16, 16] }
  const limited =
    (voxels: number): Predict =>
    (images, batch, spatial) => {
      if (images.length > voxels) throw new Error('CUDA failure 2: out of memory')
      return predict(images, batch, spatial)
    }

  test('smaller tiles give the same', async () => {
    const onSmallerTile = vi.fn()
    const found = await predictWholeImage(limited(120), whole, { geometry, onSmallerTile })
    expectEqual(found, await predictWholeImage(predict, whole, { geometry }), 0)
    expect(onSmallerTile.mock.calls).toEqual([[[10, 18]], [[10, 10]]])
  })

  test('after some tiles went well, their results do not count twice', async () => {
    const { geometry, predict } = boxNetwork('same', { dimensions: 2, radius: 1 })
    let calls = 0
    const once: Predict = (images, batch, spatial) => {
      if (++calls === 2) throw new RangeError('Array buffer allocation failed')
      return predict(images, batch, spatial)
    }
    const options = { geometry, tile: [10, 10], onSmallerTile: () => {} }
    const found = await predictWholeImage(once, whole, options)
    expectEqual(found, await predictWholeImage(predict, whole, { geometry }))
  })

  test('with the smallest tile, an error says so', async () => {
    const error = predictWholeImage(limited(0), whole, { geometry, onSmallerTile: () => {} })
    await expect(error).rejects.toThrow(OutOfMemoryError)
    await expect(error).rejects.toThrow(/tiles of 3 × 3, the smallest/)
  })

  test('tiles do not become so small that they cannot share what is asked for', async () => {
    const onSmallerTile = vi.fn()
    const options = { geometry, overlap: [5, 0], onSmallerTile }
    await expect(predictWholeImage(limited(0), whole, options)).rejects.toThrow(OutOfMemoryError)
    expect(onSmallerTile.mock.lastCall).toEqual([[10, 3]])
  })

  test('for the distribution itself, an error says how to keep less', async () => {
    const { geometry } = boxNetwork('same', { dimensions: 2, radius: 0 })
    const parts = { classes: 1, rank: 2 ** 20, mean: new Float32Array(1), diagonal: Float32Array.of(1) }
    const factor = new Float32Array(parts.rank)
    const ofHighRank: Predict = async (_, batch, spatial) => ({ batch, spatial, ...parts, factor })
    const large = { images: new Float32Array(2 ** 16), batch: 1, spatial: [256, 256] }
    const error = predictWholeImage(ofHighRank, large, { geometry, tile: [1, 1] })
    await expect(error).rejects.toThrow(OutOfMemoryError)
    await expect(error).rejects.toThrow(/no room for 68719476736 values.*float16/)
  })

  test('other errors are passed on', async () => {
    const broken: Predict = () => Promise.reject(new Error('no such kernel'))
    await expect(predictWholeImage(broken, whole, { geometry })).rejects.toThrow(/^no such kernel$/)
  })
})

describe('bad input', () => {
  const { geometry, predict } = boxNetwork('valid', { dimensions: 2, radius: 2 })
  const spatial = [12, 12]
  const whole = { images: randomImages(1, spatial), batch: 1, spatial }
  const options = { geometry, tile: [8, 8] }

  test('an output that is not finite: the tile is named', async () => {
    let calls = 0
    const broken: Predict = async (images, batch, size) => {
      const parameters = await predict(images, batch, size)
      return ++calls === 3 ? { ...parameters, mean: parameters.mean.fill(Number.NaN) } : parameters
    }
    const error = predictWholeImage(broken, whole, options)
    await expect(error).rejects.toThrow(ValueError)
    await expect(error).rejects.toThrow(/^tile 3 of 9, from voxel \[-2,6\] on: mean: found NaN/)
  })

  test('an image that is not finite', async () => {
    const images = whole.images.slice()
    images[15] = Number.POSITIVE_INFINITY
    await expect(predictWholeImage(predict, { ...whole, images }, options)).rejects.toThrow(
      /Infinity at voxel 15 of plane 0/,
    )
  })

  test.each([
    ['an image of another length', { ...whole, images: new Float32Array(100) }, options],
    ['an image without voxels', { images: new Float32Array(0), batch: 1, spatial: [0, 12] }, options],
    ['an image with another number of axes', { ...whole, spatial: [144] }, options],
    ['a tile that is smaller than the receptive field', whole, { geometry, tile: [4, 8] }],
    ['a tile with a fraction', whole, { geometry, tile: [8.5, 8] }],
    ['an overlap below 0', whole, { geometry, overlap: [-1, 0] }],
    ['an overlap that leaves tiles no room to advance', whole, { ...options, overlap: [4, 0] }],
  ])('%s', (_, given, wrong) => expect(predictWholeImage(predict, given, wrong)).rejects.toThrow(ShapeError))

  test.each([{ border: 'reflect' }, { storage: 'half' }])('%o, which there is not', (unknown) =>
    expect(predictWholeImage(predict, whole, { ...options, ...unknown } as typeof options)).rejects.toThrow(
      ValueError,
    ),
  )

  test('an overlap beyond the image, which is one tile', async () => {
    const found = await predictWholeImage(predict, whole, { geometry, overlap: [2000, 2000] })
    expect(found).toEqual(await predictWholeImage(predict, whole, { geometry }))
  })

  test('an image that is smaller than the receptive field is padded', async () => {
    const found = await predictWholeImage(predict, { ...whole, spatial: [1, 1], batch: 144 }, options)
    expect(found.spatial).toEqual([1, 1])
  })

  test('a geometry that is not the network’s', async () => {
    const wrong = { ...geometry, outputSize: (input: readonly number[]) => input.map((n) => n - 2) }
    await expect(predictWholeImage(predict, whole, { geometry: wrong })).rejects.toThrow(ModelError)
  })

  test('a network whose output has another resolution', async () => {
    const half = {
      ...geometry,
      multipleOf: [2, 2],
      outputSize: (input: readonly number[]) => input.map((n) => n >> 1),
    }
    await expect(predictWholeImage(predict, whole, { geometry: half })).rejects.toThrow(/resolution/)
  })
})

test('as a forward pass, for whatever takes one', async () => {
  const { geometry, predict } = boxNetwork('same', { dimensions: 2, radius: 1, step: 4 })
  const images = randomImages(1, [3, 5])
  const anySize = wholeImagePrediction(predict, { geometry })
  expect((await anySize(images, 1, [3, 5])).spatial).toEqual([3, 5])
})
