// Parsers of flag values. A value out of range is wrong usage: commander says which flag and ends with code 2.
import { InvalidArgumentError } from 'commander'

/** A whole number of at least `minimum`. */
export function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < minimum) {
      throw new InvalidArgumentError(`Expected a whole number of at least ${minimum}.`)
    }
    return value
  }
}

/** Any number but NaN and ±∞. */
export function finiteNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.')
  return value
}

/** A number above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text)
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('Expected a number above 0.')
  return value
}

/** Whole numbers above 0 with commas between them, e.g. `16,32,64`. */
export function wholeNumberList(text: string): number[] {
  return text.split(',').map(wholeNumber(1))
}

/** Numbers with commas between them, e.g. `0.5,-1`. */
export function finiteNumberList(text: string): number[] {
  return text.split(',').map(finiteNumber)
}

/** Numbers with commas between them, e.g. `1,0.5`. */
export function numberList(text: string): number[] {
  return text.split(',').map(finiteNumber)
}

/** `c=w`: the weight of class c; repeated flags add up to one map. */
export function classScale(
  text: string,
  previous: ReadonlyMap<number, number> = new Map(),
): Map<number, number> {
  const match = /^(\d+)=(.+)$/.exec(text)
  const weight = Number(match?.[2])
  if (!match || !Number.isFinite(weight)) throw new InvalidArgumentError('Expected class=weight, e.g. 1=0.5.')
  return new Map(previous).set(Number(match[1]), weight)
}

/** `i/n`: the i-th of n parts, counted from 1. */
export function shard(text: string): { readonly index: number; readonly count: number } {
  const match = /^(\d+)\/(\d+)$/.exec(text)
  const [index, count] = [Number(match?.[1]), Number(match?.[2])]
  if (!match || index < 1 || index > count)
    throw new InvalidArgumentError('Expected i/n with 1 ≤ i ≤ n, e.g. 1/4.')
  return { index, count }
}
