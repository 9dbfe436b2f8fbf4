import { describe, expect, it } from 'vitest'
import { Adam } from './adam'

describe('Adam', () => {
  it("follows the paper's algorithm 1, computed in 40 decimal digits", () => {
    const parameter = Float64Array.of(1, -2)
    const adam = new Adam([parameter], { learningRate: 0.1 })
    for (const [gradient, values] of [
      [
        [0.5, -3],
        [0.900000002, -1.9000000003333333],
      ],
      [
        [-1, 0.25],
        [0.9366103542405656, -1.8394086508071492],
      ],
      [
        [0, 8],
        [0.964910262550189, -1.882723219197143],
      ],
    ] as const) {
      adam.step([Float64Array.from(gradient)])
      values.forEach((value, index) => {
        expect(parameter[index]).toBeCloseTo(value, 12)
      })
    }
  })

  it('finds the minimum of a quadratic over several arrays', () => {
    const [a, b] = [new Float64Array(2), new Float32Array(1)]
    const adam = new Adam([a, b], { learningRate: 0.05 })
    for (let step = 0; step < 1000; step++) {
      adam.step([a.map((value, index) => value - [3, -1][index]!), b.map((value) => 10 * (value - 0.5))])
    }
    expect(a[0]).toBeCloseTo(3, 3)
    expect(a[1]).toBeCloseTo(-1, 3)
    expect(b[0]).toBeCloseTo(0.5, 3)
  })
})
