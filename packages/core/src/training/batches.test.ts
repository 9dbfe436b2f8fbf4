import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../dataset'
import { trainingBatches } from './batches'

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
