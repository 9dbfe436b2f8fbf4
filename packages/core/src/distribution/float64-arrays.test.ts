import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ShapeError } from '../errors'
import { float64Array, float64Arrays as ops } from './float64-arrays'

const values = (...shape: number[]) => {
  const size = shape.reduce((product, length) => product * length, 1)
  return float64Array(
    Array.from({ length: size }, (_, index) => Math.sin(1 + index)),
    shape,
  )
}

describe('float64Arrays', () => {
  it('broadcasts from the last axis on', () => {
    const sum = ops.add(float64Array([1, 2], [2, 1]), float64Array([10, 20, 30], [3]))
    expect(sum.shape).toEqual([2, 3])
    expect([...sum.data]).toEqual([11, 21, 31, 12, 22, 32])
    expect(() => ops.add(values(2), values(3))).toThrow(ShapeError)
  })

  it('multiplies matrices, broadcasting their batch axes', () => {
    const a = values(2, 1, 3, 4)
    const b = values(5, 4, 2)
    const product = ops.matMul(a, b)
    expect(product.shape).toEqual([2, 5, 3, 2])
    for (let i = 0; i < product.data.length; i++) {
      const [j, row, q, p] = [i % 2, Math.floor(i / 2) % 3, Math.floor(i / 6) % 5, Math.floor(i / 30)]
      let sum = 0
      for (let k = 0; k < 4; k++) sum += a.data[(p * 3 + row) * 4 + k]! * b.data[(q * 4 + k) * 2 + j]!
      expect(product.data[i]).toBeCloseTo(sum, 14)
    }
  })

  it('transposes so that axis i of the result is axis order[i] of the argument', () => {
    const a = values(2, 3, 4)
    const b = ops.transpose(a, [2, 0, 1])
    expect(b.shape).toEqual([4, 2, 3])
    for (let i = 0; i < 24; i++) {
      const [y, x, z] = [i % 3, Math.floor(i / 3) % 2, Math.floor(i / 6)]
      expect(b.data[i]).toBe(a.data[(x * 3 + y) * 4 + z])
    }
  })

  it('reduces any axis, also counted from the end', () => {
    const a = float64Array([1, 2, 3, 4, 5, 6], [2, 3])
    expect([...ops.sum(a, 0).data]).toEqual([5, 7, 9])
    expect([...ops.sum(a, -1).data]).toEqual([6, 15])
    expect(ops.sum(values(2, 0), 1)).toEqual(float64Array([0, 0], [2]))
  })

  it('takes logSumExp of numbers whose exponentials overflow or vanish', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.integer({ min: 1, max: 5 }),
        (x, count) => {
          const result = ops.logSumExp(float64Array(new Array(count).fill(x), [count]), 0)
          expect(result.data[0]).toBeCloseTo(x + Math.log(count), 8)
        },
      ),
    )
  })
})
