// Comparison of whole arrays in tests, which names the first value that is off.
import { expect } from 'vitest'

/** Every value within `tolerance` of the expected one, relative to the larger of its size and 1. */
export function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(found.length).toBe(expected.length)
  for (let index = 0; index < found.length; index++) {
    const difference = Math.abs(found[index]! - expected[index]!)
    if (!(difference <= tolerance * Math.max(1, Math.abs(expected[index]!)))) {
      expect.fail(`index ${index}: ${found[index]} is not ${expected[index]} within ${tolerance}`)
    }
  }
}

/** The Euclidean norm of the difference, relative to the norm of `expected`. */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length)
  let difference = 0
  let size = 0
  for (let index = 0; index < found.length; index++) {
    difference += (found[index]! - expected[index]!) ** 2
    size += expected[index]! ** 2
  }
  return Math.sqrt(difference / size)
}
