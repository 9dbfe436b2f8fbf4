import v8 from 'node:v8'
import type { Worker as Thread } from 'node:worker_threads'
import fc from 'fast-check'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type LogitDistribution, logitDistribution } from '../distribution/logit-distribution'
import { ValueError } from '../errors'
import { monteCarloNll, monteCarloNllAsync } from '../loss/monte-carlo-nll'
import { drawNoise, standardNormals } from '../noise/draw-noise'
import {
  marginalEntropy,
  marginalEntropyAsync,
  marginalProbabilities,
  marginalProbabilitiesAsync,
  sampleStatistics,
  sampleStatisticsAsync,
} from '../sampling/marginal-probabilities'
import { sampleLabelMaps, sampleLabelMapsAsync, sampleLabelMapsIterator } from '../sampling/sample-label-maps'
import { sampleLogits, sampleLogitsAsync } from '../sampling/sample-logits'
import { disposeWorkers, setWorkerCount } from './worker-pool'

function random(batch: number, classes: number, rank: number, voxels: number): LogitDistribution {
  const logits = batch * classes * voxels
  return logitDistribution({
    batch,
    classes,
    rank,
    spatial: [voxels],
    mean: standardNormals(logits, { seed: 1 }),
    factor: standardNormals(logits * rank, { seed: 2 }),
    diagonal: standardNormals(logits, { seed: 3 }).map(Math.exp),
  })
}

// Several blocks an image, and work enough to be shared.
const distribution = random(2, 2, 3, 9000)
const labels = Uint8Array.from(standardNormals(18_000, { seed: 4 }), (x) => (x > 0 ? 1 : 0))
const options = { samples: 150, seed: 3 }

/** As toEqual, but quick for large arrays. */
function expectSame(results: object, expected: object): void {
  expect(v8.serialize(results).equals(v8.serialize(expected))).toBe(true)
}

describe('async functions', () => {
  beforeEach(() => setWorkerCount(2))
  afterAll(disposeWorkers)

  it.each([0, 1, 3])('give what sync ones give, with %d workers', async (workers) => {
    setWorkerCount(workers)
    expectSame(await sampleLabelMapsAsync(distribution, options), sampleLabelMaps(distribution, options))
    const few = { samples: 20, seed: 3 }
    expectSame(await sampleLogitsAsync(distribution, few), sampleLogits(distribution, few))
    expectSame(
      await marginalProbabilitiesAsync(distribution, options),
      marginalProbabilities(distribution, options),
    )
    expectSame(await marginalEntropyAsync(distribution, options), marginalEntropy(distribution, options))
    expectSame(await sampleStatisticsAsync(distribution, options), sampleStatistics(distribution, options))
    const loss = { ...options, gradients: true }
    expectSame(
      await monteCarloNllAsync(distribution, labels, loss),
      monteCarloNll(distribution, labels, loss),
    )
  })

  it('give what sync ones give, several at a time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ samples: fc.integer({ min: 1, max: 300 }), seed: fc.nat(9), voxels: fc.nat(5000) }),
          { minLength: 1, maxLength: 6 },
        ),
        async (calls) => {
          const results = await Promise.all(
            calls.map(({ voxels, ...call }) => sampleLabelMapsAsync(random(1, 3, 1, voxels), call)),
          )
          results.forEach((maps, index) => {
            const { voxels, ...call } = calls[index]!
            expectSame(maps, sampleLabelMaps(random(1, 3, 1, voxels), call))
          })
        },
      ),
      { numRuns: 10 },
    )
  })

  it('give label maps one by one', async () => {
    const { voxels, ...call } = { voxels: 300, samples: 37, seed: 4, first: 5 }
    const one = random(2, 3, 2, voxels)
    const noise = drawNoise({ ...one, ...call })
    const expected = sampleLabelMaps(one, call)
    for (const given of [call, { ...call, noise }]) {
      const maps: Uint8Array[] = []
      for await (const map of sampleLabelMapsIterator(one, given)) maps.push(map)
      expect(maps).toHaveLength(37)
      expectSame(Uint8Array.from(maps.flatMap((map) => [...map])), expected)
    }
    await expect(sampleLabelMapsIterator(one, { ...call, samples: 0 }).next()).rejects.toThrow(ValueError)
    const signal = AbortSignal.abort(new Error('before'))
    await expect(sampleLabelMapsIterator(one, { ...call, signal }).next()).rejects.toThrow('before')
  })

  it('give no label map more after an abort, also of those that are drawn', async () => {
    const controller = new AbortController()
    let seen = 0
    const all = async () => {
      for await (const _ of sampleLabelMapsIterator(distribution, { ...options, signal: controller.signal }))
        if (++seen === 3) controller.abort(new Error('enough'))
    }
    await expect(all()).rejects.toThrow('enough')
    expect(seen).toBe(3)
  })

  it.each([
    ['label maps', sampleLabelMapsAsync],
    ['statistics', sampleStatisticsAsync],
    ['logits', sampleLogitsAsync],
    ['the loss', (d: LogitDistribution, o: typeof options) => monteCarloNllAsync(d, labels, o)],
    ...[{}, { classWeights: [1, 2] }].map(
      (weights) =>
        [
          `the gradients with ${JSON.stringify(weights)}`,
          (d: LogitDistribution, o: typeof options) =>
            monteCarloNllAsync(d, labels, { ...o, ...weights, gradients: true }),
        ] as const,
    ),
  ] as const)('report every piece of %s', async (_, call) => {
    const seen: [number, number][] = []
    const onProgress = (done: number, total: number) => seen.push([done, total])
    await call(distribution, { ...options, onProgress } as typeof options)
    const total = seen.length
    expect(total).toBeGreaterThan(1)
    expect(seen).toEqual(Array.from({ length: total }, (_, index) => [index + 1, total]))
  })

  it.each([0, 2])('stop when the signal is aborted, with %d workers', async (workers) => {
    setWorkerCount(workers)
    const controller = new AbortController()
    let done = 0
    const call = sampleLabelMapsAsync(random(8, 2, 3, 9000), {
      ...options,
      signal: controller.signal,
      onProgress: (count) => {
        done = count
        controller.abort(new Error('enough'))
      },
    })
    await expect(call).rejects.toThrow('enough')
    expect(done).toBeLessThan(8)
    await expect(
      sampleLabelMapsAsync(distribution, { ...options, signal: AbortSignal.abort(new Error('before')) }),
    ).rejects.toThrow('before')
    expectSame(await sampleLabelMapsAsync(distribution, options), sampleLabelMaps(distribution, options))
  })

  it('reject what sync ones throw', async () => {
    await expect(sampleLabelMapsAsync(distribution, { samples: 0, seed: 0 })).rejects.toThrow(ValueError)
  })

  it('go on when the threads are disposed under them', async () => {
    const call = sampleLabelMapsAsync(distribution, options)
    disposeWorkers()
    expectSame(await call, sampleLabelMaps(distribution, options))
  })

  it("go on when a browser's threads are disposed under them, which end without a word", async () => {
    const builtin = process.getBuiltinModule
    const ofBrowser = (name: string) => (name === 'node:worker_threads' ? undefined : builtin(name))
    const started = vi.fn()
    class Silent {
      postMessage = started
      terminate(): void {}
    }
    vi.stubGlobal('Worker', Silent)
    vi.spyOn(process, 'getBuiltinModule').mockImplementation(ofBrowser as typeof builtin)
    const call = sampleLabelMapsAsync(distribution, options)
    await vi.waitFor(() => expect(started).toHaveBeenCalled())
    disposeWorkers()
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
    expectSame(await call, sampleLabelMaps(distribution, options))
  })

  it('leave threads alone where the work is little', async () => {
    const threads = process.getBuiltinModule('node:worker_threads')
    const { Worker } = threads
    let started = 0
    class Counted extends Worker {
      constructor(...parameters: ConstructorParameters<typeof Worker>) {
        super(...parameters)
        started++
      }
    }
    Object.assign(threads, { Worker: Counted })
    await sampleLabelMapsAsync(random(1, 2, 3, 300), { samples: 4, seed: 3 })
    const afterLittle = started
    await sampleLabelMapsAsync(distribution, options)
    const afterMuch = started
    disposeWorkers()
    await marginalEntropyAsync(random(1, 1, 0, 2000), { samples: 2000, seed: 3 })
    Object.assign(threads, { Worker })
    // The last is one piece, but one that would hold up the calling thread.
    expect([afterLittle, afterMuch, started]).toEqual([0, 2, 4])
  })

  it('keep the process alive only while there is work', async () => {
    const held = () => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length
    // Threads of the tests before may still be on their way out.
    await vi.waitFor(() => expect(held()).toBe(0))
    let most = 0
    const onProgress = () => {
      most = Math.max(most, held())
    }
    await sampleLabelMapsAsync(distribution, { ...options, onProgress })
    expect(most).toBeGreaterThan(0)
    await vi.waitFor(() => expect(held()).toBe(0))
  })

  it('take other threads after a change of their number', async () => {
    await sampleLabelMapsAsync(distribution, options)
    setWorkerCount(1)
    expectSame(await sampleLabelMapsAsync(distribution, options), sampleLabelMaps(distribution, options))
    expect(() => setWorkerCount(1.5)).toThrow(ValueError)
  })

  it.each([
    [
      'stop at once',
      (Worker: typeof Thread) =>
        class extends Worker {
          constructor() {
            super('process.exit(3)', { eval: true })
          }
        },
    ],
    [
      'are forbidden',
      () =>
        class {
          constructor() {
            throw new Error('not here')
          }
        },
    ],
  ])('say so and go on where threads %s', async (_, replacement) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const threads = process.getBuiltinModule('node:worker_threads')
    const { Worker } = threads
    Object.assign(threads, { Worker: replacement(Worker) })
    setWorkerCount(2)
    const maps = await sampleLabelMapsAsync(distribution, options)
    Object.assign(threads, { Worker })
    expectSame(maps, sampleLabelMaps(distribution, options))
    expect(warn).toHaveBeenCalledOnce()
    expect(String(warn.mock.calls[0])).toContain('one core')
    warn.mockRestore()
  })
})
