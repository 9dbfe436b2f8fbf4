import { describe, expect, it, vi } from 'vitest'
import { ValueError } from '../errors'
import { TOY_PIXELS, toyLabelMaps } from './toy-problem'
import { trainToy } from './train-toy'

describe('trainToy', () => {
  it('learns that the middle goes on and off as one, which the diagonal model cannot', async () => {
    // So few samples would be learnt by heart, were the noise not fresh every time.
    const options = { iterations: 600, learningRate: 0.05, samples: 20 }
    const lowRank = await trainToy({ head: 'low-rank', ...options })
    const diagonal = await trainToy({ head: 'diagonal', ...options })
    expect(Math.abs(lowRank.logLikelihood + Math.LN2)).toBeLessThan(0.1)
    expect(Math.abs(diagonal.logLikelihood + 7 * Math.LN2)).toBeLessThan(0.1)

    // Two pixels of the middle share their variance; two of the diagonal model share nothing.
    const [first, last] = [TOY_PIXELS / 3, (2 * TOY_PIXELS) / 3 - 1]
    const correlation = ({ covariance }: { readonly covariance: Float64Array }): number =>
      covariance[first * TOY_PIXELS + last]! /
      Math.sqrt(covariance[first * (TOY_PIXELS + 1)]! * covariance[last * (TOY_PIXELS + 1)]!)
    expect(correlation(lowRank)).toBeGreaterThan(0.9)
    expect(correlation(diagonal)).toBe(0)
    expect(diagonal.covariance[first * (TOY_PIXELS + 1)]).toBe(diagonal.distribution.diagonal[first])

    const targets = [toyLabelMaps().subarray(0, TOY_PIXELS), toyLabelMaps().subarray(TOY_PIXELS)].map(String)
    const drawn = Array.from({ length: 14 }, (_, sample) =>
      String(lowRank.sampleLabelMaps.subarray(sample * TOY_PIXELS, (sample + 1) * TOY_PIXELS)),
    )
    for (const target of targets) expect(drawn).toContain(target)
    expect([...lowRank.sampleLogits].map((logit) => (logit > 0 ? 1 : 0))).toEqual([
      ...lowRank.sampleLabelMaps,
    ])
  })

  it('is a function of its options', async () => {
    const options = { head: 'low-rank', iterations: 20, samples: 10, seed: 7 } as const
    const once = await trainToy(options)
    expect(await trainToy(options)).toEqual(once)
    expect((await trainToy({ ...options, seed: 8 })).distribution.mean).not.toEqual(once.distribution.mean)
  })

  it('trains the mean alone in the first half, then everything with a new Adam', async () => {
    const { distribution } = await trainToy({
      head: 'diagonal',
      iterations: 2,
      samples: 10,
      learningRate: 0.01,
    })
    // Adam's first step is its learning rate in either direction.
    for (const value of distribution.mean) expect([0, 0.02]).toContain(Number(Math.abs(value).toFixed(5)))
    for (const value of distribution.diagonal) expect(Math.abs(Math.log(value) + 1)).toBeCloseTo(0.01, 5)
  })

  it('reports progress and stops when it is told to', async () => {
    const controller = new AbortController()
    const seen: number[] = []
    const onProgress = (done: number, total: number): void => {
      seen.push(done / total)
      if (seen.length === 2) controller.abort(new Error('enough'))
    }
    const { signal } = controller
    const stopped = trainToy({ head: 'diagonal', iterations: 1000, samples: 2, signal, onProgress })
    await expect(stopped).rejects.toThrow('enough')
    expect(seen).toEqual([0, 0.05])
    await trainToy({ head: 'diagonal', iterations: 10, samples: 2, onProgress: (done) => seen.push(done) })
    expect(seen.at(-1)).toBe(10)
    await expect(trainToy({ head: 'diagonal', iterations: 1 })).rejects.toThrow(/iterations: found 1/)
  })

  it.each([
    { samples: 0 },
    { samples: Number.NaN },
    { samples: -1 },
    { samples: 1.5 },
    { learningRate: 0 },
    { learningRate: Number.NaN },
    { head: 'lowrank' as 'low-rank' },
    { seed: -1 },
  ])('refuses %o before it trains', async (option) => {
    const onProgress = vi.fn()
    await expect(trainToy({ head: 'diagonal', iterations: 2, ...option, onProgress })).rejects.toThrow(
      ValueError,
    )
    expect(onProgress).not.toHaveBeenCalled()
  })
})
