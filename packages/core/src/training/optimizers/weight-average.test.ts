import { expect, it } from 'vitest'
import { splitAverage, WeightAverage, withAverage } from './weight-average'

it('starts with the first values and forgets them faster at first', () => {
  const average = new WeightAverage()
  const values = (): number => average.state().get('a')!.values[0]!
  average.update('a', Float32Array.of(1), 0.5)
  expect(values()).toBe(1)
  average.update('a', Float32Array.of(12), 0.5)
  // d = 2/11 after one update, 3/12 after two; 0.5 from the ninth on.
  expect(values()).toBeCloseTo((2 * 1 + 9 * 12) / 11, 5)
  average.update('a', Float32Array.of(14), 0.5)
  expect(values()).toBeCloseTo(0.25 * 10 + 0.75 * 14, 5)
  for (let update = 0; update < 10; update++) average.update('a', Float32Array.of(0), 0.5)
  const before = values()
  average.update('a', Float32Array.of(1), 0.5)
  expect(values()).toBeCloseTo((before + 1) / 2, 6)
})

it('travels in an engine state: the averages are its weights', () => {
  const average = new WeightAverage()
  average.update('a', Float32Array.of(1, 2), 0.9)
  average.update('a', Float32Array.of(5, 5), 0.9)
  const state = {
    weights: new Map([['a', { shape: [2], data: Float32Array.of(5, 5) }]]),
    optimizer: new Map([['a.adam.step', { shape: [1], data: Float32Array.of(2) }]]),
  }
  const reversed = (values: Float32Array): Float32Array => values.slice().reverse()
  const joined = withAverage(state, average, reversed)
  expect(joined.weights.get('a')!.data).toEqual(reversed(average.state().get('a')!.values))
  const { state: split, averages } = splitAverage(joined, reversed)
  expect(split).toEqual(state)
  expect(new Map(averages)).toEqual(average.state())
  expect(splitAverage(state)).toEqual({ state, averages: [] })
  expect(withAverage(state, new WeightAverage())).toEqual(state)
})
