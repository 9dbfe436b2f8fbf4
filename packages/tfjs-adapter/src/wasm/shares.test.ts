import { afterEach, describe, expect, it, vi } from 'vitest'
import { announce, CONTROL_WORDS, type DividedKernel, finish, work } from './shares'

function control(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS))
}

afterEach(() => vi.restoreAllMocks())

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

  it('leave nothing of a call to a thread that hesitates with what it has read of the one before', () => {
    const array = control()
    const done: number[][] = []
    const kernels = [0, 1].map(
      (kernel): DividedKernel =>
        (first, _, thread, pointer) => {
          done.push([kernel, first, thread, pointer!])
        },
    )
    announce(array, { kernel: 0, shares: 2, chunks: 2 }, [10])
    const exchange = Atomics.compareExchange
    vi.spyOn(Atomics, 'compareExchange').mockImplementationOnce((...ticket) => {
      work(array, kernels, 0)
      finish(array, false)
      announce(array, { kernel: 1, shares: 3, chunks: 3 }, [20])
      return exchange(...ticket)
    })
    work(array, kernels, 1)
    work(array, kernels, 2)
    finish(array, false)
    const [before, after] = [
      [0, 1].map((share) => [0, share, 0, 10]),
      [0, 1, 2].map((share) => [1, share, 2, 20]),
    ]
    expect(done).toEqual([...before, ...after])
  })

  it('are not taken while a call is written', () => {
    const array = control()
    const done: number[][] = []
    const kernels = [0, 1].map(
      (kernel): DividedKernel =>
        (first, _, __, pointer) => {
          done.push([kernel, first, pointer!])
        },
    )
    announce(array, { kernel: 0, shares: 2, chunks: 2 }, [10])
    work(array, kernels, 0)
    const store = Atomics.store
    let announced = false
    vi.spyOn(Atomics, 'store').mockImplementation(((words: Int32Array, at: number, value: number) => {
      // Another thread looks after each word, until the last but one, the ticket, is there.
      store(words, at, value)
      announced ||= at === 0 && (value & 4095) === 0
      if (!announced) work(array, kernels, 1)
      return value
    }) as typeof Atomics.store)
    done.length = 0
    announce(array, { kernel: 1, shares: 9, chunks: 9 }, [20])
    expect(done).toEqual([])
    work(array, kernels, 1)
    expect(done).toEqual(Array.from({ length: 9 }, (_, share) => [1, share, 20]))
  })

  it('say when a kernel traps', () => {
    const array = control()
    announce(array, { kernel: 0, shares: 2, chunks: 2 }, [])
    work(array, [() => expect.unreachable()], 0)
    expect(() => finish(array, false)).toThrow(/trapped/)
  })
})
