import { describe, expect, it } from 'vitest'
import { announce, CONTROL_WORDS, type DividedKernel, finish, work } from './shares'

function control(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS))
}

describe('shares', () => {
  it.each([
    { shares: 100, chunks: 8 },
    { shares: 3, chunks: 8 },
    { shares: 1, chunks: 1 },
    { shares: 100_000, chunks: 10_000 },
    { shares: 0, chunks: 8 },
  ])('$shares in $chunks chunks are each done once, with the pointers', ({ shares, chunks }) => {
    const array = control()
    const done = new Int32Array(shares)
    const kernel: DividedKernel = (first, last, thread, ...pointers) => {
      expect([thread, ...pointers]).toEqual([3, 11, -5])
      for (let share = first; share < last; share++) done[share]!++
    }
    for (let call = 1; call <= 3; call++) {
      announce(array, { kernel: 1, shares, chunks }, [11, -5])
      work(array, [() => expect.unreachable(), kernel], 3)
      finish(array, false)
      expect(done.every((times) => times === call)).toBe(true)
    }
  })

  it('leave nothing to a thread that comes late', () => {
    const array = control()
    let calls = 0
    const kernels: DividedKernel[] = [() => calls++]
    announce(array, { kernel: 0, shares: 5, chunks: 5 }, [])
    work(array, kernels, 0)
    work(array, kernels, 1)
    expect(calls).toBe(5)
  })

  it('say when a kernel traps', () => {
    const array = control()
    announce(array, { kernel: 0, shares: 2, chunks: 2 }, [])
    work(array, [() => expect.unreachable()], 0)
    expect(() => finish(array, false)).toThrow(/trapped/)
  })
})
