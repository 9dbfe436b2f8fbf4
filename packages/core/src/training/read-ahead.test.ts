import { expect, it } from 'vitest'
import { readAhead } from './read-ahead'

it('has asked for the next two steps, once each, and for none beyond the end', async () => {
  const asked: number[] = []
  const next = readAhead(async (step) => asked.push(step) && step, { end: 6 })
  expect(await next(2)).toBe(2)
  expect(asked).toEqual([2, 3, 4])
  expect(await next(3)).toBe(3)
  expect(await next(4)).toBe(4)
  expect(await next(5)).toBe(5)
  expect(asked).toEqual([2, 3, 4, 5])
})

it('prepares while the step before is computed', async () => {
  let ready = 0
  const next = readAhead(
    async (step) => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      ready++
      return step
    },
    { end: 9 },
  )
  await next(0)
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(ready).toBe(3)
})

it('fails with the step that fails, not before', async () => {
  const next = readAhead(
    async (step) => {
      if (step === 1) throw new Error('unreadable')
      return step
    },
    { end: 3 },
  )
  expect(await next(0)).toBe(0)
  await new Promise((resolve) => setTimeout(resolve))
  await expect(next(1)).rejects.toThrow('unreadable')
  expect(await next(2)).toBe(2)
})
