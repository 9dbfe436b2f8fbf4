import { expect, it } from 'vitest'
import { pixelFigures, type Summary, summaryTable } from './summary'

it('one sample has no deviation', () => {
  const summary = (samples: readonly (readonly number[])[]): Summary =>
    ({
      ...{ folder: 'out/a', size: [2, 3], samples: samples.length, meanEntropy: 0.5 },
      pixels: pixelFigures([4, 2], samples),
    }) as unknown as Summary
  const [, one, two] = summaryTable([
    summary([[5, 1]]),
    summary([
      [5, 1],
      [3, 3],
    ]),
  ]).split('\n')
  expect(one!.split(/\s+/)).toEqual(['out/a', '3×2', '1', '2', '1', '–', '0.5'])
  expect(two!.split(/\s+/)).toEqual(['out/a', '3×2', '1', '2', '2', '1', '0.5'])
})
