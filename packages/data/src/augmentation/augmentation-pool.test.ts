import { syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'
import type { SizedCase } from '@stochseg/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ambiguousShapes } from '../ambiguous-shapes'
import { augmentation } from './augmentation'
import { bratsAugmentation, lidcAugmentation } from './augmentation-options'
import { type AugmentationPool, type AugmentationPoolOptions, augmentationPool } from './augmentation-pool'

const OPTIONS = { ...bratsAugmentation, ...lidcAugmentation }
const shapes = ambiguousShapes({ split: 'train', cases: 12, seed: 2 })
const items: SizedCase[] = await Promise.all(
  Array.from({ length: shapes.length }, async (_, index) => ({
    ...(await shapes.case(index)),
    channels: shapes.channels,
    spatial: shapes.spatial,
    roi: new Uint8Array(32 * 32).fill(1),
  })),
)
const inline = augmentation(OPTIONS)
const expected = items.map((item, position) => inline(item, { seed: 1, position }))

let pool: AugmentationPool | undefined
const start = (options: AugmentationPoolOptions): AugmentationPool => {
  pool = augmentationPool(options)
  return pool
}
const all = ({ transform }: AugmentationPool): Promise<SizedCase[]> =>
  Promise.all(items.map((item, position) => transform(item, { seed: 1, position })))

describe('augmentation in worker threads', () => {
  afterEach(() => {
    pool?.dispose()
    vi.restoreAllMocks()
  })

  it.each([0, 1, 3])('gives what it gives inline, with %d threads', async (workers) => {
    const kept = structuredClone(items)
    expect(await all(start({ ...OPTIONS, workers }))).toEqual(expected)
    expect(items).toEqual(kept)
  })

  it('leaves a data set its arrays where they are Node Buffers, whose slices share memory', async () => {
    const [raters, roi] = [items[1]!.raters, items[1]!.roi!].map((array) =>
      Buffer.from(new Uint8Array(array).buffer),
    ) as [Buffer, Buffer]
    const item = { ...items[1]!, raters, roi }
    const deformed = await start({ ...OPTIONS, workers: 1 }).transform(item, { seed: 1, position: 1 })
    expect(deformed).toEqual(expected[1])
    expect(raters).toHaveLength(items[1]!.raters.length)
    expect(roi).toHaveLength(items[1]!.roi!.length)
  })

  it('gives a case to which nothing happens back as it is', async () => {
    expect(await start({ workers: 1 }).transform(items[0]!, { seed: 1, position: 0 })).toBe(items[0])
  })

  it('does on the calling thread what threads had in hand when they were disposed', async () => {
    const started = start({ ...OPTIONS, workers: 2 })
    const results = all(started)
    started.dispose()
    expect(await results).toEqual(expected)
    expect(await all(started)).toEqual(expected)
  })

  it('rejects with the reason of a signal, at once and later', async () => {
    const controller = new AbortController()
    const started = start({ ...OPTIONS, workers: 1, signal: controller.signal })
    const results = all(started)
    controller.abort(new Error('enough'))
    await expect(results).rejects.toThrow('enough')
    await expect(all(started)).rejects.toThrow('enough')
  })

  it.each([
    ['stop at once', 'process.exit(3)'],
    ['are forbidden', undefined],
  ])('says so once and goes on where threads %s', async (_, program) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { Worker } = threads
    class Replacement extends Worker {
      constructor() {
        if (program === undefined) throw new Error('not here')
        super(program, { eval: true })
      }
    }
    Object.assign(threads, { Worker: Replacement })
    syncBuiltinESMExports()
    try {
      const started = start({ ...OPTIONS, workers: 2 })
      expect(await all(started)).toEqual(expected)
      expect(await all(started)).toEqual(expected)
    } finally {
      Object.assign(threads, { Worker })
      syncBuiltinESMExports()
    }
    expect(warn).toHaveBeenCalledOnce()
  })

  it('keeps the process alive only while a case is in hand', async () => {
    const ports = (): number =>
      process.getActiveResourcesInfo().filter((resource) => resource === 'MessagePort').length
    const before = ports()
    const results = all(start({ ...OPTIONS, workers: 2 }))
    expect(ports()).toBe(before + 2)
    await results
    expect(ports()).toBe(before)
  })

  it.each([-1, 1.5, Number.NaN])('refuses %d workers', (workers) => {
    expect(() => augmentationPool({ workers })).toThrow('workers')
  })
})
