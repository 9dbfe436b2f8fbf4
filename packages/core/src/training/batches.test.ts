import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Case, Dataset } from '../dataset'
import { DataError, ShapeError, ValueError } from '../errors'
import { trainingBatches } from './batches'
import type { CaseTransform } from './case-transform'

/** Case i: image [i, −i], every label of rater k is k. */
function numbered(length: number, raters: number, roiOf?: number): Dataset {
  return {
    name: 'numbered',
    channels: 2,
    classes: raters,
    spatial: [1],
    length,
    case: async (index) => ({
      id: String(index),
      image: Float32Array.of(index, -index),
      raters: Uint8Array.from({ length: raters }, (_, rater) => rater),
      ...(index === roiOf && { roi: Uint8Array.of(0) }),
    }),
  }
}

const batches = (
  dataset: Dataset,
  { batchSize, seed }: { readonly batchSize: number; readonly seed: number },
): ReturnType<typeof trainingBatches> => trainingBatches({ dataset, seed }, { batchSize })

async function ids(dataset: Dataset, steps: number, batchSize: number, seed: number): Promise<string[]> {
  const batchAt = batches(dataset, { batchSize, seed })
  const taken = await Promise.all(Array.from({ length: steps }, (_, step) => batchAt(step)))
  return taken.flatMap((batch) => batch.ids)
}

describe('trainingBatches', () => {
  it('sees every case once an epoch, whatever the batch size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 12 }),
        fc.maxSafeNat(),
        async (length, batchSize, seed) => {
          const seen = await ids(numbered(length, 1), 3 * length, batchSize, seed)
          for (let epoch = 0; (epoch + 1) * length <= seen.length; epoch++) {
            expect(new Set(seen.slice(epoch * length, (epoch + 1) * length)).size).toBe(length)
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  it('takes another order in every epoch and with every seed', async () => {
    const seen = await ids(numbered(50, 1), 100, 1, 3)
    expect(seen.slice(0, 50)).not.toEqual(seen.slice(50))
    expect(await ids(numbered(50, 1), 50, 1, 4)).not.toEqual(seen.slice(0, 50))
  })

  it('gives the batch of a step without those before it', async () => {
    const dataset = numbered(7, 3)
    const inOrder = batches(dataset, { batchSize: 4, seed: 1 })
    const taken = []
    for (let step = 0; step < 9; step++) taken.push(await inOrder(step))
    const afresh = batches(dataset, { batchSize: 4, seed: 1 })
    for (const step of [8, 3, 0, 5]) expect(await afresh(step)).toEqual(taken[step])
  })

  it('pairs each image with one of its raters, each about equally often', async () => {
    const batchAt = batches(numbered(10, 4), { batchSize: 10, seed: 5 })
    const counts = [0, 0, 0, 0]
    for (let step = 0; step < 200; step++) {
      const { images, labels, ids } = await batchAt(step)
      expect([...images]).toEqual(ids.flatMap((id) => [Number(id), -Number(id)]))
      for (const label of labels) counts[label]!++
    }
    // 2000 draws: standard deviation of a count √(2000 · ¼ · ¾) = 19.4.
    for (const count of counts) expect(Math.abs(count - 500)).toBeLessThan(80)
  })

  it('hands on regions of interest, whole where a case has none', async () => {
    const { roi, ids } = await batches(numbered(3, 1, 2), { batchSize: 3, seed: 0 })(0)
    expect([...roi!]).toEqual(ids.map((id) => (id === '2' ? 0 : 1)))
    expect(await batches(numbered(3, 1), { batchSize: 3, seed: 0 })(0)).not.toHaveProperty('roi')
  })
})

describe('transforms', () => {
  const dataset = numbered(5, 3)
  /** Two voxels: the first intensity and the draw's position. */
  const positioned: CaseTransform = (item, { position }) => ({
    ...item,
    channels: 1,
    spatial: [2],
    image: Float32Array.of(item.image[0]!, position),
    raters: Uint8Array.of(item.raters[0]!, item.raters.length),
  })

  it('see one rater, and give the batch its size', async () => {
    const plain = await trainingBatches({ dataset, seed: 2 }, { batchSize: 4 })(3)
    const batch = await trainingBatches({ dataset, seed: 2, transform: positioned }, { batchSize: 4 })(3)
    expect(batch).toMatchObject({ batch: 4, channels: 1, spatial: [2], ids: plain.ids, skipped: [] })
    expect([...batch.images]).toEqual(plain.ids.flatMap((id, item) => [Number(id), 12 + item]))
    expect([...batch.labels]).toEqual([...plain.labels].flatMap((label) => [label, 1]))
  })

  it('draw from a seed that follows from the run, but is not the one raters are drawn from', async () => {
    const seeds: number[] = []
    const transform: CaseTransform = (item, { seed }) => {
      seeds.push(seed)
      return item
    }
    for (const seed of [2, 2, 3]) await trainingBatches({ dataset, seed, transform }, { batchSize: 1 })(0)
    expect(seeds[0]).toBe(seeds[1])
    expect(seeds[0]).not.toBe(seeds[2])
    expect(seeds).not.toContain(2)
  })

  it('must give images of one size', async () => {
    const transform: CaseTransform = (item, { position }) =>
      position === 1 ? { ...item, channels: 1, image: item.image.subarray(1) } : item
    const batch = trainingBatches({ dataset, seed: 2, transform }, { batchSize: 3 })(0)
    await expect(batch).rejects.toThrow(/\[2,1\] in case '\d', \[1,1\] in case '\d'/)
  })

  it('must keep labels and region as large as the image', async () => {
    for (const wrong of [
      { raters: Uint8Array.of() },
      { raters: Uint8Array.of(1, 1) },
      { roi: Uint8Array.of() },
    ]) {
      const transform: CaseTransform = (item) => ({
        ...item,
        spatial: [3],
        image: new Float32Array(6),
        ...wrong,
      })
      const batch = trainingBatches({ dataset, seed: 2, transform }, { batchSize: 1 })(0)
      await expect(batch).rejects.toBeInstanceOf(ShapeError)
    }
  })
})

describe('bad cases', () => {
  const damaged = (damage: (index: number) => Partial<Case>): Dataset => {
    const healthy = numbered(6, 2)
    return { ...healthy, case: async (index) => ({ ...(await healthy.case(index)), ...damage(index) }) }
  }
  const nan = damaged((index) => (index === 4 ? { image: Float32Array.of(0, Number.NaN) } : {}))
  const foreign = damaged((index) => (index === 4 ? { raters: Uint8Array.of(7, 7) } : {}))

  it('of another size than they say are named, transformed or not', async () => {
    const dataset = damaged((index) => (index === 4 ? { image: new Float32Array(3) } : {}))
    const batch = trainingBatches({ dataset, seed: 1 }, { batchSize: 6 })(0)
    await expect(batch).rejects.toThrow(/case '4': found 3 intensities, 2 labels; expected an image \[2,1\]/)
  })

  it.each([
    ['an image that is not finite', nan, /image of case '4': found NaN at index 1/],
    [
      'a label that is no class',
      foreign,
      /labels of case '4': found label 7 at voxel 0; expected labels from 0 to 1/,
    ],
  ] as const)('%s stops the run by its name', async (_, dataset, message) => {
    const batch = trainingBatches({ dataset, seed: 1 }, { batchSize: 6 })(0)
    await expect(batch).rejects.toBeInstanceOf(ValueError)
    await expect(batch).rejects.toThrow(message)
  })

  it('may have any label outside the region of interest', async () => {
    const dataset = damaged((index) =>
      index === 4 ? { raters: Uint8Array.of(7, 7), roi: Uint8Array.of(0) } : {},
    )
    await expect(trainingBatches({ dataset, seed: 1 }, { batchSize: 6 })(0)).resolves.toBeDefined()
  })

  it('are replaced by the next usable case where asked, and reported', async () => {
    const dataset = damaged((index) => {
      if (index === 5)
        throw new DataError('file 5', { found: 'nothing', expected: 'a file', remedy: 'Restore it' })
      return index === 4 ? { image: Float32Array.of(0, Number.NaN) } : {}
    })
    const healthy = await trainingBatches({ dataset: numbered(6, 2), seed: 1 }, { batchSize: 6 })(0)
    const batch = await trainingBatches({ dataset, seed: 1, onBadCase: 'skip' }, { batchSize: 6 })(0)
    expect(batch.ids).toEqual(healthy.ids.map((id) => (id === '4' || id === '5' ? '0' : id)))
    expect(batch.skipped.map(({ id }) => id).sort()).toEqual([
      '4',
      'number 5 of numbered',
      'number 5 of numbered',
    ])
    expect(batch.skipped.find(({ id }) => id === '4')!.reason).toContain('NaN')
    expect(batch.images.every(Number.isFinite)).toBe(true)
  })

  it('are not tried again where they come several times, one after the other', async () => {
    let tried = 0
    const thrice = damaged((index) => ({ id: String(Math.floor(index / 3)) }))
    const transform: CaseTransform = (item) => {
      tried++
      return item.id === '1' ? { ...item, image: Float32Array.of(Number.NaN, 0) } : item
    }
    const source = { dataset: thrice, seed: 1, transform, onBadCase: 'skip' } as const
    const batch = await trainingBatches(source, { batchSize: 6 })(0)
    expect(new Set(batch.ids)).toEqual(new Set(['0']))
    expect(batch.skipped).toHaveLength(3)
    expect(tried).toBe(9)
  })

  it('end the run where no other is left, and where it is not the data that is wrong', async () => {
    const all = damaged(() => ({ image: Float32Array.of(0, Number.NaN) }))
    const skip = { seed: 1, onBadCase: 'skip' } as const
    await expect(trainingBatches({ dataset: all, ...skip }, { batchSize: 1 })(0)).rejects.toThrow(DataError)
    const bug = damaged(() => {
      throw new TypeError('a bug')
    })
    await expect(trainingBatches({ dataset: bug, ...skip }, { batchSize: 1 })(0)).rejects.toThrow(TypeError)
  })
})
