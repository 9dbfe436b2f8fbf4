import fc from 'fast-check'
import { afterEach, expect, it, vi } from 'vitest'
import * as kernelModule from '../kernels/kernel-module'
import { standardNormals } from '../noise/draw-noise'
import { monteCarloNll } from './monte-carlo-nll'
import { repeatedLoss } from './repeated-loss'

vi.mock('../kernels/kernel-module', { spy: true })

afterEach(() => {
  vi.restoreAllMocks()
})

it.each(['kernels', 'plain TypeScript'])('is monteCarloNll, call after call, by %s', (way) => {
  if (way === 'plain TypeScript') vi.spyOn(kernelModule, 'kernelModule').mockReturnValue(undefined)
  const sizes = fc.record({
    classes: fc.integer({ min: 1, max: 4 }),
    rank: fc.integer({ min: 0, max: 9 }),
    voxels: fc.integer({ min: 1, max: 40 }),
    samples: fc.integer({ min: 1, max: 30 }),
    seed: fc.maxSafeNat(),
  })
  const property = fc.property(sizes, ({ classes, rank, voxels, samples, seed }) => {
    const labels = Uint8Array.from({ length: voxels }, (_, voxel) => (voxel * 7) % Math.max(classes, 2))
    const { parameters, gradients, run } = repeatedLoss({ classes, rank, labels, samples, seed })
    for (const stream of [0, 5, 2 ** 31]) {
      for (const [plane, name] of (['mean', 'factor', 'diagonal'] as const).entries()) {
        const change = name === 'diagonal' ? Math.exp : (x: number): number => x
        parameters[name].set(standardNormals(parameters[name].length, { seed, stream, plane }).map(change))
      }
      const loss = run(stream)
      const options = { samples, seed, stream, gradients: true }
      const expected = monteCarloNll(
        { batch: 1, classes, rank, spatial: [voxels], ...parameters },
        labels,
        options,
      )
      expect(loss).toBeCloseTo(expected.loss, 5)
      for (const name of ['mean', 'factor', 'diagonal'] as const) {
        gradients[name].forEach((slope, index) => {
          expect(Math.abs(slope - expected.gradients![name][index]!), name).toBeLessThan(1e-5)
        })
      }
    }
  })
  fc.assert(property, { numRuns: 30 })
})
