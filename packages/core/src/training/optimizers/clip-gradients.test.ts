import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { clipGradients } from './clip-gradients'

const golden = JSON.parse(readFileSync(new URL('torch-optimizers.json', import.meta.url), 'utf8')) as {
  readonly gradients: number[][]
  readonly clipping: { readonly limit: number; readonly norm: number; readonly gradients: number[][] }
}

it("shortens all gradients together as PyTorch's clip_grad_norm_ does", () => {
  const { limit, norm, gradients } = golden.clipping
  const clipped = golden.gradients.map((gradient) => Float64Array.from(gradient))
  expect(clipGradients(clipped, limit)).toBeCloseTo(norm, 10)
  for (const [step, gradient] of gradients.entries()) {
    // PyTorch divides by norm + 1e-6.
    for (const [index, slope] of gradient.entries()) expect(clipped[step]![index]).toBeCloseTo(slope, 5)
  }
})

it('leaves short gradients, and those that are not finite, as they are', () => {
  const short = [Float32Array.of(3), Float32Array.of(0, -4)]
  expect(clipGradients(short, 5)).toBe(5)
  expect(clipGradients(short)).toBe(5)
  expect(short).toEqual([Float32Array.of(3), Float32Array.of(0, -4)])
  const infinite = [Float32Array.of(1, Number.POSITIVE_INFINITY)]
  expect(clipGradients(infinite, 5)).toBe(Number.POSITIVE_INFINITY)
  expect(infinite[0]![0]).toBe(1)
})
