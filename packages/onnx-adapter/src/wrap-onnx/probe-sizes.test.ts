import { ModelError } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { probeShrinkage, probeSizes, type TrySize } from './probe-sizes'

/** A network that takes lengths for which `takes` holds along every axis, and gives logits `less` voxels shorter. */
const network =
  (takes: (length: number, axis: number) => boolean, less = 0): TrySize =>
  async (size) =>
    size.every(takes) ? size.map((length) => length - less) : undefined

describe('probeSizes', () => {
  it('finds the step and the least length of each axis', async () => {
    const [steps, least] = [
      [1, 8, 2],
      [5, 16, 4],
    ]
    const takes = (length: number, axis: number): boolean =>
      length % steps[axis]! === 0 && length >= least[axis]!
    expect(await probeSizes(network(takes), 3, [])).toEqual({
      ...{ usual: [32, 32, 32], multipleOf: steps, minimumSize: least },
    })
  })

  it('finds lengths that are no multiples: valid convolutions', async () => {
    const takes = (length: number): boolean => length >= 20 && length % 4 === 0
    const found = await probeSizes(network(takes, 16), 2, [])
    expect(found).toMatchObject({ multipleOf: [4, 4], minimumSize: [20, 20] })
  })

  it('is not misled by lengths that fit by chance', async () => {
    for (const period of [4, 8, 16]) {
      const takes = (length: number): boolean => length % period < period / 2
      expect((await probeSizes(network(takes), 2, [])).multipleOf).toEqual([period, period])
    }
  })

  it('does not take rounding down for keeping the size', async () => {
    const floor: TrySize = async (size) => size.map((length) => length - (length % 8))
    expect((await probeSizes(floor, 2, [])).multipleOf).toEqual([8, 8])
  })

  it('falls back to the one size that the file says', async () => {
    const takes = (length: number): boolean => length === 100
    const expected = { usual: [100, 100], minimumSize: [100, 100], multipleOf: [100, 100], fixedSize: true }
    expect(await probeSizes(network(takes), 2, [100, 100])).toEqual(expected)
    await expect(probeSizes(network(takes), 2, [])).rejects.toThrow(ModelError)
  })
})

describe('probeShrinkage', () => {
  const strided = (...strides: readonly number[]): TrySize => {
    return async (size) => size.map((length, axis) => Math.ceil(length / strides[axis]!))
  }
  it('finds strides', async () => {
    expect(await probeShrinkage(strided(4, 2), 2, [])).toEqual([4, 2])
    expect(await probeShrinkage(strided(1, 1, 1), 3, [])).toEqual([1, 1, 1])
    const oneSize: TrySize = async (size) => (size[0] === 96 ? size.map((length) => length / 8) : undefined)
    expect(await probeShrinkage(oneSize, 2, [96, 96])).toEqual([8, 8])
  })

  it('runs a network that keeps the size, or has no whole stride, at no larger one', async () => {
    for (const stride of [1, 3]) {
      const tried: string[] = []
      await probeShrinkage(
        (size) => {
          tried.push(String(size))
          return strided(stride, stride)(size)
        },
        2,
        [],
      )
      expect(new Set(tried)).toEqual(new Set(['64,64']))
    }
  })

  it('takes nothing else for strides', async () => {
    // Valid convolutions of just so many voxels; a single vector for the image; an odd size.
    expect(
      await probeShrinkage(
        network(() => true, 32),
        2,
        [],
      ),
    ).toEqual([1, 1])
    expect(await probeShrinkage(async (size) => size.map(() => 1), 2, [])).toEqual([1, 1])
    expect(await probeShrinkage(strided(3, 3), 2, [])).toEqual([1, 1])
  })
})
