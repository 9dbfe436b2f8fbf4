import type { Evaluation } from '@stochseg/core'
import { expect, it } from 'vitest'
import { metricsRow, metricsText } from './metrics'

const evaluation = (figures: Partial<Evaluation>, standardError: number): Evaluation => {
  const all = {
    ged: 0.14508,
    diversity: 0,
    hungarianMatchedIou: 0.5,
    dice: 0.00049,
    diceNonEmpty: 0.25,
    ...figures,
  }
  const errors = Object.keys(all).map((key) => [key, standardError])
  return { ...all, standardError: Object.fromEntries(errors) } as unknown as Evaluation
}

it('figures and their errors have the same decimals; what no case defines, and the error of one case, are left out', () => {
  const rows = [
    metricsRow('many cases', evaluation({}, 0.0138)),
    metricsRow('one case', evaluation({ dice: Number.NaN }, Number.NaN)),
  ]
  const lines = metricsText(rows).trimEnd().split('\n')
  const [, many, one] = lines.map((line) => line.split(/\s{2,}/))
  expect(many).toEqual([
    'many cases',
    '0.145 ± 0.014',
    '0.000 ± 0.014',
    '0.500 ± 0.014',
    '0.000 ± 0.014',
    '0.250 ± 0.014',
  ])
  expect(one).toEqual(['one case', '0.145', '0.000', '0.500', '–', '0.250'])
  expect(rows[1]!.values.dice).toBeUndefined()
})
