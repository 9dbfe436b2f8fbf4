import { logitDistribution } from '@stochseg/core'
import { expect, test } from 'vitest'
import { paddedPrediction } from './padded-prediction'

/** A network whose mean is its image and whose sizes must be multiples of 4. */
const seen: { images: Float32Array; spatial: readonly number[] }[] = []
const identity = paddedPrediction(
  async (images, batch, spatial) => {
    seen.push({ images, spatial })
    const diagonal = images.map((value) => value + 1)
    const factor = new Float32Array(images.length * 2)
    for (let item = 0; item < 2 * images.length; item++) factor[item] = images[item % images.length]!
    return logitDistribution({ batch, classes: 1, rank: 2, spatial, mean: images, factor, diagonal })
  },
  { minimumSize: [4, 4], multipleOf: [4, 4] },
)

test('the prediction has the size and the values of the image', async () => {
  const image = Float32Array.from({ length: 15 }, (_, index) => index)
  const predicted = await identity(image, 1, [3, 5])
  expect(seen.pop()!.spatial).toEqual([4, 8])
  expect(predicted.spatial).toEqual([3, 5])
  expect([...predicted.mean]).toEqual([...image])
  expect([...predicted.factor]).toEqual([...image, ...image])
  expect([...predicted.diagonal]).toEqual(Array.from(image, (value) => value + 1))
})

test('the border is mirrored', async () => {
  await identity(Float32Array.of(1, 2, 3), 1, [1, 3])
  expect([...seen.pop()!.images.subarray(0, 4)]).toEqual([1, 2, 3, 3])
})

test('an image that fits is passed on as it is', async () => {
  const image = new Float32Array(16)
  await identity(image, 1, [4, 4])
  expect(seen.pop()!.images).toBe(image)
})

test('a network that crops is refused', async () => {
  const cropping = paddedPrediction(
    async (images, batch) =>
      logitDistribution({
        batch,
        classes: 1,
        rank: 0,
        spatial: [1, 1],
        mean: images.slice(0, 1),
        factor: new Float32Array(0),
        diagonal: Float32Array.of(1),
      }),
    { minimumSize: [3, 3], multipleOf: [1, 1] },
  )
  await expect(cropping(new Float32Array(2), 1, [1, 2])).rejects.toThrow(/output of 1 × 1 .* 3 × 3/)
})
