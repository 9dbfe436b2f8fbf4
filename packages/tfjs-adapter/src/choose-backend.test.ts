import { RuntimeUnavailableError, ValueError } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { backendsToTry, firstThatWorks } from './choose-backend'

function unavailable(found: string): RuntimeUnavailableError {
  return new RuntimeUnavailableError('it', { found, expected: 'another', remedy: 'Wait' })
}

describe('backends', () => {
  it('are wasm unless told, the one that is named, or several for auto', () => {
    expect(backendsToTry()).toEqual(['wasm'])
    expect(backendsToTry('cpu')).toEqual(['cpu'])
    expect(backendsToTry('auto')).toEqual(['tensorflow', 'webgpu', 'wasm'])
  })

  it('are tried one at a time, and those after the first that works not at all', async () => {
    const tried: string[] = []
    const open = async (backend: string, remarks: string): Promise<string> => {
      tried.push(backend)
      if (backend === 'c') return `${backend}${remarks}`
      throw unavailable(`no ${backend} (long\nstory)`)
    }
    expect(await firstThatWorks(['a', 'b', 'c', 'd'], open)).toBe('c; not a: it: no a; not b: it: no b')
    expect(tried).toEqual(['a', 'b', 'c'])
    await expect(firstThatWorks(['a', 'b'], open)).rejects.toThrow(/^it: found no b \(long/)
  })

  it('end with an error that another backend would not cure', async () => {
    const error = new ValueError('weights', { found: 'NaN', expected: 'numbers', remedy: 'Train anew' })
    const open = (backend: string): Promise<string> =>
      backend === 'a' ? Promise.reject(error) : Promise.resolve(backend)
    await expect(firstThatWorks(['a', 'b'], open)).rejects.toBe(error)
  })
})
