// Which image sizes a network takes, found out by trying: a graph does not say it.
import type { InputSizes } from '@stochseg/backbones'
import { ModelError } from '@stochseg/core'

/** Runs the network on some image of this size; gives the size of its logits, or nothing where it does not take it. */
export type TrySize = (size: readonly number[]) => Promise<readonly number[] | undefined>

/** Sizes as probing found them. */
export interface ProbedSizes extends InputSizes {
  /** A size that was tried and is in none of its lengths the least. */
  readonly usual: readonly number[]
  /** The one size that the network takes. */
  readonly fixedSize?: true
}

/** Lengths to begin with, by the number of axes. */
const BEGINNINGS: Readonly<Record<2 | 3, readonly number[]>> = {
  2: [64, 128, 256, 512],
  3: [32, 64, 96, 128],
}

/** Steps between lengths that are tried. */
const STEPS = [1, 2, 4, 8, 16, 32, 64]

/** How many steps are taken to see that a step fits: networks that round sizes down take some by chance, and few of these. */
const TIMES = [1, 2, 3, 5, 7, 11, 13]

/**
 * Along each axis: the smallest step by which an image may grow so that its logits grow as much, and the smallest length
 * (by bisection, as if all larger ones fitted too).
 *
 * @param declared lengths that the file says; they are tried where no other does.
 * @throws ModelError where no size was found that the network takes.
 */
export async function probeSizes(
  trySize: TrySize,
  dimensions: 2 | 3,
  declared: readonly (number | undefined)[],
): Promise<ProbedSizes> {
  const usual = await firstSize(trySize, dimensions, declared)
  const logits = (await trySize(usual))!
  const minimumSize: number[] = []
  const multipleOf: number[] = []
  for (let axis = 0; axis < dimensions; axis++) {
    const withLength = (length: number): number[] => usual.with(axis, length)
    const fits = async (length: number): Promise<boolean> => {
      const found = await trySize(withLength(length))
      return found !== undefined && found[axis]! - logits[axis]! === length - usual[axis]!
    }
    const step = await firstWhere(STEPS, async (candidate) => {
      const misfit = await firstWhere(TIMES, async (times) => !(await fits(usual[axis]! + times * candidate)))
      return misfit === undefined
    })
    if (step === undefined) return { usual, minimumSize: usual, multipleOf: usual, fixedSize: true }
    multipleOf.push(step)
    minimumSize.push(await leastLength(usual[axis]!, step, fits))
  }
  return { usual, minimumSize, multipleOf }
}

/**
 * How many times smaller logits are than the image, along each axis: whole numbers, the same at twice the size where the network
 * takes that, as by strides. All 1 where they are none, as behind convolutions that do not pad.
 */
export async function probeShrinkage(
  trySize: TrySize,
  dimensions: 2 | 3,
  declared: readonly (number | undefined)[],
): Promise<number[]> {
  const usual = await firstSize(trySize, dimensions, declared)
  const factors = async (size: readonly number[]): Promise<number[] | undefined> => {
    const found = await trySize(size)
    return found && size.map((length, axis) => length / found[axis]!)
  }
  const once = (await factors(usual))!
  const none = usual.map(() => 1)
  if (String(once) === String(none) || !once.every(Number.isInteger)) return none
  const twice = await factors(usual.map((length) => 2 * length))
  return String(twice ?? once) === String(once) ? once : none
}

async function firstSize(
  trySize: TrySize,
  dimensions: 2 | 3,
  declared: readonly (number | undefined)[],
): Promise<readonly number[]> {
  const candidates = BEGINNINGS[dimensions].map((length) => Array<number>(dimensions).fill(length))
  if (declared.some((length) => length !== undefined)) {
    candidates.push(declared.map((length) => length ?? BEGINNINGS[dimensions][1]!))
  }
  const found = await firstWhere(candidates, async (size) => (await trySize(size)) !== undefined)
  if (found) return found
  throw new ModelError('ONNX network', {
    found: `no logits for images of ${candidates.map((size) => size.join(' × ')).join(', ')}`,
    expected: 'a network that takes one of these sizes',
    remedy: 'Export it with the size that it needs as the fixed shape of its input',
  })
}

async function leastLength(
  fitting: number,
  step: number,
  fits: (length: number) => Promise<boolean>,
): Promise<number> {
  let least = fitting
  // Lengths from here on down do not fit.
  let below = fitting % step === 0 ? 0 : (fitting % step) - step
  while (least - below > step) {
    const middle = below + step * Math.floor((least - below) / (2 * step))
    if (await fits(middle)) least = middle
    else below = middle
  }
  return least
}

async function firstWhere<T>(
  candidates: readonly T[],
  holds: (candidate: T) => Promise<boolean>,
): Promise<T | undefined> {
  for (const candidate of candidates) if (await holds(candidate)) return candidate
  return undefined
}
