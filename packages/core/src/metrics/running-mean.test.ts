import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RunningMean } from './running-mean'

it('is the mean and its standard error, without what is undefined', () => {
  const value = fc.option(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { nil: undefined })
  fc.assert(
    fc.property(fc.array(value), (values) => {
      const running = new RunningMean()
      for (const each of values) running.add(each)
      const defined = values.filter((each) => each !== undefined)
      expect(running.count).toBe(defined.length)
      const mean = defined.reduce((sum, each) => sum + each, 0) / defined.length
      const variance = defined.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (defined.length - 1)
      if (defined.length === 0) expect(running.mean).toBeNaN()
      else expect(running.mean).toBeCloseTo(mean, 6)
      if (defined.length < 2) expect(running.standardError).toBeNaN()
      else expect(running.standardError).toBeCloseTo(Math.sqrt(variance / defined.length), 6)
    }),
  )
})
