import { describe, expect, it } from 'vitest'
import { Adam } from './adam'

describe('Adam', () => {
  it('moves by the learning rate at first, whatever the size of the gradient', () => {
    const values = Float32Array.of(1, 1, 1)
    new Adam().update('a', values, Float32Array.of(1e-4, -3, 500), 0.01)
    const expected = [0.99, 1.01, 0.99]
    values.forEach((value, index) => {
      expect(value).toBeCloseTo(expected[index]!, 5)
    })
  })

  it("takes the paper's second step", () => {
    const values = Float32Array.of(0)
    const adam = new Adam({ beta1: 0.9, beta2: 0.99, epsilon: 0 })
    adam.update('a', values, Float32Array.of(1), 0.1)
    adam.update('a', values, Float32Array.of(3), 0.1)
    // m = 0.39 / 0.19, v = 0.0999 / 0.0199.
    expect(values[0]).toBeCloseTo(-0.1 - (0.1 * 0.39) / 0.19 / Math.sqrt(0.0999 / 0.0199), 6)
  })

  it('counts the steps of each array by itself and starts again after a reset', () => {
    const adam = new Adam()
    const values = Float32Array.of(0)
    adam.update('a', values, Float32Array.of(1), 0.1)
    adam.update('b', values, Float32Array.of(1), 0.1)
    adam.update('b', values, Float32Array.of(1), 0.1)
    expect([adam.moments('a')?.step, adam.moments('b')?.step]).toEqual([1, 2])
    adam.reset([['a', adam.moments('a')!]])
    expect(adam.moments('b')).toBeUndefined()
    expect(adam.moments('a')?.step).toBe(1)
  })
})
