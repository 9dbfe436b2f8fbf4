import { expect, it } from 'vitest'
import * as errors from './errors'

it('names errors by what their class is called here, whatever a minifier makes of it', () => {
  for (const [name, Kind] of Object.entries(errors)) {
    class M extends (Kind as typeof errors.StochsegError) {}
    const error = new M('image', { found: 'NaN', expected: 'numbers', remedy: 'Clean it' })
    expect(error).toBeInstanceOf(errors.StochsegError)
    expect(error.name).toBe(name)
    expect(String(error)).toBe(`${name}: image: found NaN; expected numbers. Clean it.`)
  }
})
