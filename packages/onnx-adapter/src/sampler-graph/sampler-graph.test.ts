import { interpretNetwork, unet } from '@stochseg/backbones'
import {
  drawNoise,
  type HeadKind,
  type LogitDistribution,
  sampleLabelMaps,
  sampleLogits,
  ssnHead,
  ValueError,
} from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { expectClose } from '../../../../scripts/expect-close'
import { exportOnnx } from '../export-onnx'
import { everyOperation, randomImages, randomWeights } from '../random-network'
import { runOnnx } from '../run-onnx'

const [samples, batch] = [5, 2]

describe('a sampler in the graph', () => {
  const cases: [string, HeadKind, 2 | 3, number, number[]][] = [
    ['a low-rank head', 'low-rank', 2, 3, [8, 12]],
    ['one class', 'low-rank', 2, 1, [8, 6]],
    ['a diagonal head', 'diagonal', 2, 2, [6, 9]],
    ['a volume, cropped', 'low-rank', 3, 2, [6, 9, 7]],
  ]
  it.each(cases)(
    'draws what core draws from the same noise: %s',
    async (_, kind, dimensions, classes, size) => {
      const spec = everyOperation(dimensions)
      const head = ssnHead({ kind, classes, rank: 3 })
      const weights = randomWeights(spec, head, 2)
      const images = randomImages(batch, 2, size)
      const bytes = exportOnnx({ spec, head, weights, sampler: { noise: 'inputs' } })

      const input = { shape: [batch, 2, ...size], data: Float64Array.from(images) }
      const expected = interpretNetwork({ spec, head }, weights, new Map([['image', input]]))
      const spatial = expected.mean.shape.slice(2)
      const distribution: LogitDistribution = {
        ...{ batch, classes, rank: head.rank, spatial },
        mean: Float32Array.from(expected.mean.data),
        factor: Float32Array.from(expected.factor.data),
        diagonal: Float32Array.from(expected.diagonal.data),
      }
      const noise = drawNoise({ batch, classes, rank: head.rank, spatial, samples, seed: 3 })
      const found = await runOnnx(bytes, {
        image: { shape: input.shape, data: images },
        ...(head.rank > 0 ? { z: { shape: [samples, batch, head.rank], data: noise.z } } : {}),
        epsilon: { shape: [samples, batch, classes, ...spatial], data: noise.epsilon },
      })

      const options = { samples, seed: 0, noise }
      const logits = sampleLogits(distribution, options)
      expect(found.sampleLogits!.shape).toEqual([samples, batch, classes, ...spatial])
      const scale = logits.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
      expectClose(
        found.sampleLogits!.data.map((value) => value / scale),
        logits.map((value) => value / scale),
        1e-5,
      )
      const labels = sampleLabelMaps(distribution, options)
      expect(found.sampleLabels!.shape).toEqual([samples, batch, ...spatial])
      const different = labels.filter((label, index) => label !== found.sampleLabels!.data[index]).length
      expect(different).toBeLessThanOrEqual(labels.length / 1000)
    },
  )

  const spec = unet({ inputChannels: 1, widths: [3, 4], convolutionsPerLevel: 1 })

  it('draws from the runtime itself: spread as the head says', async () => {
    const head = ssnHead({ kind: 'low-rank', classes: 2, rank: 2 })
    const weights = new Map(
      [...randomWeights(spec, head, 1)].map(([name, { shape, data }]) => {
        // A distribution that is the same everywhere: mean 0, P = (1, 2), D = e⁰.
        const value = { 'head.factor.bias': [1, 2, 1, 2] }[name]
        if (!name.startsWith('head.')) return [name, { shape, data }]
        return [name, { shape, data: value ? Float32Array.from(value) : new Float32Array(data.length) }]
      }),
    )
    const bytes = exportOnnx({ spec, head, weights, sampler: { noise: 'random', samples: 4000 } })
    const image = { shape: [1, 1, 2, 2], data: new Float32Array(4) }
    const found = await runOnnx(bytes, { image })
    expect(found.sampleLogits!.shape).toEqual([4000, 1, 2, 2, 2])
    const values = found.sampleLogits!.data
    const moment = (a: number, b: number): number => {
      let sum = 0
      for (let sample = 0; sample < 4000; sample++) sum += values[8 * sample + a]! * values[8 * sample + b]!
      return sum / 4000
    }
    expect(moment(0, 0)).toBeGreaterThan(5.3)
    expect(moment(0, 0)).toBeLessThan(6.7)
    expect(moment(0, 7)).toBeGreaterThan(4.3)
    expect(moment(0, 7)).toBeLessThan(5.7)
  })

  it('is refused where there is no noise, or no number of samples', () => {
    const export_ = (kind: HeadKind, samples: number): unknown => {
      const head = ssnHead({ kind, classes: 2, rank: 2 })
      const weights = randomWeights(spec, head, 1)
      return exportOnnx({ spec, head, weights, sampler: { noise: 'random', samples } })
    }
    expect(() => export_('deterministic', 4)).toThrow(/a deterministic head/)
    expect(() => export_('low-rank', 0)).toThrow(ValueError)
  })
})
