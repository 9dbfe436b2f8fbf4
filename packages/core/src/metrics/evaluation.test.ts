import { describe, expect, it } from 'vitest'
import type { Case, Dataset } from '../dataset'
import { ShapeError } from '../errors'
import { evaluate, type SampledCase } from './evaluation'

function datasetOf(cases: readonly Omit<Case, 'id' | 'image'>[], classes = 2, spatial = [2, 2]): Dataset {
  return {
    name: 'cases',
    channels: 1,
    classes,
    spatial,
    length: cases.length,
    case: async (index) => ({ id: `case ${index}`, image: new Float32Array(4), ...cases[index]! }),
  }
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

const EMPTY = [0, 0, 0, 0]
const ONE = [1, 0, 0, 0]
const TWO = [1, 1, 0, 0]
const FOUR = [1, 1, 1, 1]

describe('evaluate', () => {
  // By hand. d(ONE, TWO) = ½, d(ONE, FOUR) = ¾, d(TWO, FOUR) = ½, d(EMPTY, other) = 1, d(EMPTY, EMPTY) = 0.
  const dataset = datasetOf([
    { raters: bytes(...EMPTY, ...TWO) },
    { raters: bytes(...EMPTY, ...EMPTY) },
    { raters: bytes(...ONE, ...FOUR) },
  ])
  const drawn: SampledCase[] = [
    { samples: bytes(...ONE, ...TWO), prediction: bytes(...ONE) },
    { samples: bytes(...EMPTY, ...EMPTY), prediction: bytes(...EMPTY) },
    { samples: bytes(...FOUR, ...ONE), prediction: bytes(...TWO) },
  ]
  const sampler = async (_: Case, index: number): Promise<SampledCase> => drawn[index]!

  it('averages what a hand computes, leaving undefined Dice out', async () => {
    const evaluation = await evaluate({ dataset, sampler, samples: 2 })
    expect(evaluation).toMatchObject({ cases: 3, samples: 2 })
    // Dice per case: (0, ⅔), none, (⅔, ⅔).
    expect(evaluation.dice).toBeCloseTo((1 / 3 + 2 / 3) / 2, 12)
    expect(evaluation.diceNonEmpty).toBeCloseTo(2 / 3, 12)
    // Diversity: ½·½, 0, ½·¾; raters: ½·1, 0, ½·¾. Cross: (1 + 1 + ½ + 0)/4, 0, (0 + ¾ + ¾ + 0)/4.
    expect(evaluation.diversity).toBeCloseTo((1 / 4 + 3 / 8) / 3, 12)
    expect(evaluation.raterDiversity).toBeCloseTo((1 / 2 + 3 / 8) / 3, 12)
    expect(evaluation.ged).toBeCloseTo((2 * (5 / 8) - 1 / 4 - 1 / 2 + 0 + 0) / 3, 12)
    // Matched: ONE–EMPTY and TWO–TWO; all alike; FOUR–FOUR and ONE–ONE.
    expect(evaluation.hungarianMatchedIou).toBeCloseTo((1 / 2 + 1 + 1) / 3, 12)
    // Samples' Dice per case: ⅓ and ½ where the prediction has ⅓; none; twice 0.7 where it has ⅔.
    expect(evaluation.betterSamples).toBeCloseTo((1 / 2 + 1) / 2, 12)
    expect(evaluation.sampleDice95).toBeCloseTo((1 / 3 + 0.95 / 6 + 0.7) / 2, 12)
  })

  it('gives the standard error over cases', async () => {
    const { standardError } = await evaluate({ dataset, sampler, samples: 2 })
    // Sample variance of (⅓, ⅔) is 1/18.
    expect(standardError.dice).toBeCloseTo(Math.sqrt(1 / 18 / 2), 12)
    expect(standardError.diceNonEmpty).toBeCloseTo(0, 12)
    const ged = 1 / 2 / 3
    const squares = (1 / 2 - ged) ** 2 + 2 * ged ** 2
    expect(standardError.ged).toBeCloseTo(Math.sqrt(squares / 2 / 3), 12)
  })

  it('averages Dice over foreground classes, each where it is defined', async () => {
    const evaluation = await evaluate({
      dataset: datasetOf([{ raters: bytes(1, 1, 2, 0) }], 4),
      sampler: async () => ({ samples: bytes(1, 0, 3, 0), prediction: bytes(1, 0, 3, 0) }),
      samples: 1,
    })
    expect(evaluation.dice).toBeCloseTo((2 / 3 + 0 + 0) / 3, 12)
    expect(evaluation.diceNonEmpty).toBeCloseTo((2 / 3 + 0) / 2, 12)
    expect(evaluation.classDice).toEqual([2 / 3, 0, 0])
    // As one class, rater (1, 1, 1, 0) and prediction (1, 0, 1, 0) share two of five.
    expect(evaluation.foregroundDice).toBeCloseTo(4 / 5, 12)
    expect(evaluation.standardError.dice).toBeNaN()
  })

  it('takes everything outside the region of interest for background', async () => {
    const roi = bytes(1, 1, 0, 0)
    const evaluation = await evaluate({
      dataset: datasetOf([{ raters: bytes(1, 0, 255, 1, 1, 0, 0, 0), roi }]),
      sampler: async () => ({ samples: bytes(1, 0, 1, 1), prediction: bytes(1, 0, 0, 1) }),
      samples: 1,
    })
    expect(evaluation).toMatchObject({ dice: 1, ged: 0, hungarianMatchedIou: 1 })
  })

  it('reports progress and stops when it is told to', async () => {
    const seen: number[][] = []
    await evaluate({ dataset, sampler, samples: 2, onProgress: (done, total) => seen.push([done, total]) })
    expect(seen).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ])
    const controller = new AbortController()
    const stopped = evaluate({
      dataset,
      sampler,
      samples: 2,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    })
    await expect(stopped).rejects.toThrow('enough')
  })

  it('refuses a sampler that draws other numbers than it says', async () => {
    await expect(evaluate({ dataset, sampler, samples: 3 })).rejects.toThrow(
      /samples of case 0: found 8 values/,
    )
    await expect(
      evaluate({
        dataset,
        sampler: async () => ({ samples: bytes(...ONE, ...TWO), prediction: bytes(1) }),
        samples: 2,
      }),
    ).rejects.toThrow(ShapeError)
  })
})
