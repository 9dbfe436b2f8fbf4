import { describe, expect, it } from 'vitest'
import { expectClose } from '../../../../scripts/expect-close'
import { GOLDEN_CASES, type GoldenCase, goldenCase } from '../../../../scripts/golden-math'
import { float64Array, float64Arrays as ops } from './float64-arrays'
import {
  logMarginalProbabilities,
  marginalEntropyOf,
  meanCrossEntropy,
  monteCarloLoss,
  sampledLogits,
} from './formulas'
import { labelTargets } from './label-targets'

describe('formulas on float64 arrays', () => {
  for (const name of GOLDEN_CASES) {
    const golden = goldenCase(name)
    it.skipIf(!golden)(`equal PyTorch on ${name}${golden ? '' : ' (reference data missing)'}`, () => {
      const { batch, classes, samples, voxels } = golden!
      const { logits, labels } = goldenArrays(golden!)
      expectClose(logits.data, golden!.array('samples_logits_f64'), 1e-13)
      const loss = monteCarloLoss(ops, logits, labels, { classes, samples })
      expect(loss.shape).toEqual([batch])
      expectClose(loss.data, golden!.lossPerItem, 1e-13)
      const entropy = marginalEntropyOf(
        ops,
        logMarginalProbabilities(ops, logits, { classes, samples }),
        classes,
      )
      expect(entropy.shape).toEqual([batch, voxels])
      expectClose(entropy.data, golden!.array('entropy_f64'), 1e-12)
    })
  }

  it('give log K for equal logits, as loss and, in units of log K, as entropy', () => {
    for (const classes of [1, 2, 5]) {
      const values = Math.max(classes, 2)
      const mean = float64Array(new Array(classes * 3).fill(0), [1, classes, 3])
      const targets = labelTargets(Uint8Array.of(1, 0, 1), { batch: 1, classes, voxels: 3 })
      const labels = { targets: float64Array(targets, [1, values, 3]) }
      expect(meanCrossEntropy(ops, mean, labels, classes).data[0]).toBeCloseTo(3 * Math.log(values), 12)
      const logits = ops.expandDims(mean, 0)
      const logProbabilities = logMarginalProbabilities(ops, logits, { classes, samples: 1 })
      expectClose(marginalEntropyOf(ops, logProbabilities, classes).data, [1, 1, 1], 1e-12)
    }
  })

  it('add the voxels inside the logsumexp: two samples, one of which explains everything', () => {
    const logits = float64Array([20, 20, -20, -20], [2, 1, 1, 2])
    const targets = labelTargets(Uint8Array.of(1, 1), { batch: 1, classes: 1, voxels: 2 })
    const labels = { targets: float64Array(targets, [1, 2, 2]) }
    const loss = monteCarloLoss(ops, logits, labels, { classes: 1, samples: 2 })
    expect(loss.data[0]).toBeCloseTo(Math.log(2), 7)
  })

  it('leave out the factor at rank 0, and scale the random part only', () => {
    const array = (value: number, ...shape: number[]) =>
      float64Array(new Array(shape.reduce((a, b) => a * b)).fill(value), shape)
    const noise = { z: array(3, 2, 1, 1), epsilon: array(0.5, 2, 1, 2, 4) }
    const diagonal = { mean: array(1, 1, 2, 4), diagonal: array(4, 1, 2, 4) }
    expect(sampledLogits(ops, diagonal, noise)).toEqual(array(2, 2, 1, 2, 4))
    const lowRank = { ...diagonal, factor: array(5, 1, 2, 1, 4) }
    expect(sampledLogits(ops, lowRank, noise)).toEqual(array(17, 2, 1, 2, 4))
    const edits = { classScale: float64Array([0, 2], [2]), componentScale: array(-1, 1) }
    const edited = sampledLogits(ops, lowRank, noise, edits)
    expect([...edited.data.subarray(0, 8)]).toEqual([1, 1, 1, 1, -27, -27, -27, -27])
  })
})

function goldenArrays(golden: GoldenCase) {
  const { batch, classes, rank, samples, voxels, epsilon } = golden
  const array = (name: string, ...shape: number[]) => float64Array(golden.array(name), shape)
  const diagonal = golden.array('log_diagonal') as Float32Array
  const logits = sampledLogits(
    ops,
    {
      mean: array('mean', batch, classes, voxels),
      factor: array('factor', batch, classes, rank, voxels),
      diagonal: float64Array(
        Array.from(diagonal, (x) => Math.exp(x) + epsilon),
        [batch, classes, voxels],
      ),
    },
    { z: array('z', samples, batch, rank), epsilon: array('eps', samples, batch, classes, voxels) },
  )
  const targets = labelTargets(golden.array('labels') as Uint8Array, { batch, classes, voxels })
  const labels = {
    targets: float64Array(targets, [batch, Math.max(classes, 2), voxels]),
    roi: array('roi', batch, voxels),
  }
  return { logits, labels }
}
