import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose, relativeError } from '../../../../scripts/expect-close'
import { GOLDEN_CASES, goldenCase } from '../../../../scripts/golden-math'
import { float64Array, float64Arrays } from '../distribution/float64-arrays'
import { monteCarloLoss } from '../distribution/formulas'
import { labelTargets } from '../distribution/label-targets'
import { type LogitDistribution, logitDistribution, voxelCount } from '../distribution/logit-distribution'
import { anySizes, randomDistribution, referenceLogits } from '../distribution/random-distribution'
import { ShapeError, ValueError } from '../errors'
import { drawNoise } from '../noise/draw-noise'
import { randomInteger } from '../noise/random-integers'
import { type MonteCarloNllOptions, monteCarloNll } from './monte-carlo-nll'

describe('golden cases', () => {
  for (const name of GOLDEN_CASES) {
    const golden = goldenCase(name)
    it.skipIf(!golden)(`${name} equals PyTorch's${golden ? '' : ' (reference data missing)'}`, () => {
      const { batch, classes, rank, spatial, samples, epsilon } = golden!
      const f32 = (array: string) => golden!.array(array) as Float32Array
      const logDiagonal = f32('log_diagonal')
      const distribution = logitDistribution({
        batch,
        classes,
        rank,
        spatial,
        mean: f32('mean'),
        factor: f32('factor'),
        diagonal: logDiagonal.map((x) => Math.exp(x) + epsilon),
      })
      const { loss, perItem, gradients } = monteCarloNll(
        distribution,
        golden!.array('labels') as Uint8Array,
        {
          samples,
          seed: 0,
          noise: { z: f32('z'), epsilon: f32('eps') },
          roi: golden!.array('roi') as Uint8Array,
          gradients: true,
        },
      )
      expect(Math.abs(loss / golden!.loss - 1)).toBeLessThan(1e-6)
      expectClose(perItem, golden!.lossPerItem, 1e-6)
      expect(relativeError(gradients!.mean, golden!.array('grad_mean_f64'))).toBeLessThan(1e-5)
      expect(relativeError(gradients!.factor, golden!.array('grad_factor_f64'))).toBeLessThan(1e-5)
      const logDiagonalGradient = gradients!.diagonal.map((g, index) => g * Math.exp(logDiagonal[index]!))
      expect(relativeError(logDiagonalGradient, golden!.array('grad_log_diagonal_f64'))).toBeLessThan(1e-5)
    })
  }
})

describe('monteCarloNll', () => {
  it('equals the float64 reference', () => {
    fc.assert(
      fc.property(anySizes, fc.boolean(), (anyOf, masked) => {
        const sizes = { ...anyOf, first: 0 }
        const distribution = randomDistribution(sizes)
        const { batch, classes, samples } = sizes
        const voxels = voxelCount(sizes.spatial)
        const labels = randomLabels(distribution)
        const roi = Uint8Array.from(labels, (_, index) => (masked ? (index * 5) % 3 : 1))
        const targets = labelTargets(labels, { batch, classes, voxels }, roi)
        const expected = monteCarloLoss(
          float64Arrays,
          referenceLogits(distribution, sizes),
          { targets: float64Array(targets, [batch, Math.max(classes, 2), voxels]) },
          { classes, samples },
        )
        const { loss, perItem } = monteCarloNll(distribution, labels, { ...sizes, roi })
        expectClose(perItem, expected.data, 1e-5)
        expect(loss).toBeCloseTo(batch === 0 ? 0 : perItem.reduce((a, b) => a + b, 0) / batch, 10)
      }),
      { numRuns: 100 },
    )
  })

  it('has the gradients that finite differences of the loss give', () => {
    fc.assert(
      fc.property(anySizes, fc.boolean(), (sizes, antithetic) => {
        fc.pre(sizes.batch * voxelCount(sizes.spatial) > 0)
        const distribution = randomDistribution(sizes)
        const labels = randomLabels(distribution)
        const options = { seed: sizes.seed, samples: antithetic ? 6 : 5, antithetic }
        const { gradients } = monteCarloNll(distribution, labels, { ...options, gradients: true })
        for (const name of ['mean', 'factor', 'diagonal'] as const) {
          const gradient = gradients![name]
          if (gradient.length === 0) continue
          // One random direction sees every entry; the diagonal moves in proportion to itself and so stays positive.
          const direction = distribution[name].map((value, index) => {
            const sign = 2 * randomInteger({ seed: 1, index }, 2) - 1
            return name === 'diagonal' ? sign * value : sign
          })
          const along = (step: number) => {
            const moved = distribution[name].map((value, index) => value + step * direction[index]!)
            return monteCarloNll({ ...distribution, [name]: moved }, labels, options).loss
          }
          const step = 2e-3
          // Fourth order, so that float32 logits leave enough digits.
          const difference =
            (8 * (along(step) - along(-step)) - (along(2 * step) - along(-2 * step))) / (12 * step)
          const slope = gradient.reduce((sum, g, index) => sum + g * direction[index]!, 0)
          const size = Math.sqrt(gradient.reduce((sum, g, index) => sum + (g * direction[index]!) ** 2, 0))
          expect(Math.abs(slope - difference)).toBeLessThan(5e-3 * Math.max(1, size))
        }
      }),
      { numRuns: 60 },
    )
  })

  it('pairs antithetic samples: 2k has noise k, 2k + 1 its negative', () => {
    const sizes = { batch: 2, classes: 3, rank: 2, spatial: [5], seed: 3 }
    const distribution = randomDistribution(sizes)
    const labels = randomLabels(distribution)
    const half = drawNoise({ ...sizes, samples: 3 })
    const mirrored = (array: Float32Array) => {
      const row = array.length / 3
      return Float32Array.from({ length: 2 * array.length }, (_, index) => {
        const sample = Math.floor(index / row)
        return (sample % 2 === 0 ? 1 : -1) * array[Math.floor(sample / 2) * row + (index % row)]!
      })
    }
    const expected = monteCarloNll(distribution, labels, {
      samples: 6,
      seed: 0,
      noise: { z: mirrored(half.z), epsilon: mirrored(half.epsilon) },
      gradients: true,
    })
    const antithetic = { samples: 6, antithetic: true, gradients: true }
    expect(monteCarloNll(distribution, labels, { ...antithetic, seed: 0, noise: half })).toEqual(expected)
    const drawn = monteCarloNll(distribution, labels, { ...antithetic, seed: 3 })
    expect(drawn.loss).toBeCloseTo(expected.loss, 6)
    for (const of of ['mean', 'factor', 'diagonal'] as const) {
      drawn.gradients![of].forEach((value, index) => {
        expect(value).toBeCloseTo(expected.gradients![of][index]!, 6)
      })
    }
  })

  it('stays finite, with finite gradients, for logits far beyond what exponentials bear', () => {
    for (const classes of [1, 2, 4]) {
      const size = classes * 4
      const distribution = logitDistribution({
        batch: 1,
        classes,
        rank: 1,
        spatial: [4],
        mean: Float32Array.from({ length: size }, (_, index) => (index % 2 === 0 ? 1e6 : -1e6)),
        factor: new Float32Array(size).fill(1000),
        diagonal: new Float32Array(size).fill(1e-30),
      })
      const labels = Uint8Array.of(0, 1, 1, 0)
      const { loss, gradients } = monteCarloNll(distribution, labels, {
        samples: 4,
        seed: 0,
        gradients: true,
      })
      expect(Number.isFinite(loss)).toBe(true)
      for (const gradient of Object.values(gradients!)) expect(gradient.every(Number.isFinite)).toBe(true)
    }
  })

  it('is 0 with no gradient where no voxel counts', () => {
    const distribution = randomDistribution({ batch: 1, classes: 2, rank: 1, spatial: [3], seed: 0 })
    const options = { samples: 2, seed: 0, roi: new Uint8Array(3), gradients: true }
    // Outside the region labels may be anything.
    const { loss, gradients } = monteCarloNll(distribution, Uint8Array.of(255, 0, 9), options)
    expect(loss).toBeCloseTo(0, 12)
    for (const gradient of Object.values(gradients!)) expect(gradient.every((g) => g === 0)).toBe(true)
  })

  it('uses the noise of stream + n for image n', () => {
    const distribution = randomDistribution({ batch: 2, classes: 2, rank: 2, spatial: [6], seed: 8 })
    const labels = randomLabels(distribution)
    const both = monteCarloNll(distribution, labels, { samples: 3, seed: 1, stream: 4 })
    const second = logitDistribution({
      ...distribution,
      batch: 1,
      mean: distribution.mean.subarray(12),
      factor: distribution.factor.subarray(24),
      diagonal: distribution.diagonal.subarray(12),
    })
    const alone = monteCarloNll(second, labels.subarray(6), { samples: 3, seed: 1, stream: 5 })
    expect(alone.loss).toBe(both.perItem[1])
  })
})

describe('bad input', () => {
  const distribution = randomDistribution({ batch: 1, classes: 2, rank: 1, spatial: [3], seed: 0 })
  const labels = Uint8Array.of(0, 1, 0)
  const loss =
    (options: Partial<MonteCarloNllOptions>, map = labels) =>
    () =>
      monteCarloNll(distribution, map, { samples: 2, seed: 0, ...options })

  it('is refused by name', () => {
    for (const samples of [0, -2, 1.5, Number.NaN]) expect(loss({ samples })).toThrow(ValueError)
    expect(loss({ seed: 2 ** 53 })).toThrow(ValueError)
    expect(loss({ samples: 3, antithetic: true })).toThrow(/antithetic/i)
    expect(loss({ roi: new Uint8Array(2) })).toThrow(ShapeError)
    expect(loss({}, new Uint8Array(4))).toThrow(ShapeError)
    expect(loss({}, Uint8Array.of(0, 1, 2))).toThrow(/found 2 at index 2/)
    expect(loss({ noise: { z: new Float32Array(4), epsilon: new Float32Array(12) } })).toThrow(ShapeError)
    const rows = { z: new Float32Array(2), epsilon: new Float32Array(12) }
    expect(loss({ noise: rows })).not.toThrow()
    expect(loss({ noise: rows, antithetic: true })).toThrow(ShapeError)
  })
})

function randomLabels({ batch, classes, spatial }: LogitDistribution): Uint8Array {
  const length = batch * voxelCount(spatial)
  return Uint8Array.from({ length }, (_, index) => randomInteger({ seed: 7, index }, Math.max(classes, 2)))
}
