import {
  type DistributionArrays,
  type LabelArrays,
  labelTargets,
  meanCrossEntropy,
  monteCarloLoss,
  sampledLogits,
} from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { GOLDEN_CASES, type GoldenCase, goldenCase } from '../../../scripts/golden-math'
import { openBackend } from './backend'
import { tensorOps } from './tensor-ops'

beforeAll(async () => {
  await openBackend()
})

function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length)
  const difference = Array.from(actual, (value, index) => value - expected[index]!)
  return Math.hypot(...difference) / Math.hypot(...Array.from(expected))
}

function tensors(golden: GoldenCase) {
  const { batch, classes, rank, samples, voxels } = golden
  const tensor = (name: string, ...shape: number[]): tf.Tensor =>
    tf.tensor(Float32Array.from(golden.array(name)), shape)
  const roi = golden.array('roi') as Uint8Array
  const targets = labelTargets(
    Uint8Array.from(golden.array('labels')),
    { batch, classes, voxels },
    Uint8Array.from(roi),
  )
  return {
    parameters: [
      tensor('mean', batch, classes, voxels),
      tensor('factor', batch, classes, rank, voxels),
      tensor('log_diagonal', batch, classes, voxels),
    ] as [tf.Tensor, tf.Tensor, tf.Tensor],
    noise: { z: tensor('z', samples, batch, rank), epsilon: tensor('eps', samples, batch, classes, voxels) },
    labels: {
      targets: tf.tensor(targets, [batch, Math.max(classes, 2), voxels]),
      roi: tf.tensor(Float32Array.from(roi), [batch, voxels]),
    } satisfies LabelArrays<tf.Tensor>,
  }
}

describe.each(GOLDEN_CASES)('golden case %s over tensors', (name) => {
  const golden = goldenCase(name)

  it.skipIf(!golden)('loss and gradients (skipped without the reference data)', () => {
    const { parameters, noise, labels } = tensors(golden!)
    const loss = (mean: tf.Tensor, factor: tf.Tensor, logDiagonal: tf.Tensor): tf.Scalar => {
      const diagonal = tf.add(tf.exp(logDiagonal), golden!.epsilon)
      const distribution: DistributionArrays<tf.Tensor> = { mean, factor, diagonal }
      const logits = sampledLogits(tensorOps, distribution, noise)
      return tf.mean(monteCarloLoss(tensorOps, logits, labels, golden!)) as tf.Scalar
    }
    const { value, grads } = tf.valueAndGrads(loss)(parameters)
    expect(relativeError(value.dataSync(), [golden!.loss])).toBeLessThan(1e-5)
    for (const [index, part] of ['mean', 'factor', 'log_diagonal'].entries()) {
      const expected = golden!.array(`grad_${part}_f64`) as Float64Array
      expect(relativeError(grads[index]!.dataSync(), expected)).toBeLessThan(2e-4)
    }
  })

  it.skipIf(!golden)('cross-entropy of the mean is finite with a gradient that sums to zero', () => {
    const { parameters, labels } = tensors(golden!)
    const { value, grad } = tf.valueAndGrad((mean) =>
      tf.sum(meanCrossEntropy(tensorOps, mean, labels, golden!.classes)),
    )(parameters[0])
    expect(Number.isFinite(value.dataSync()[0])).toBe(true)
    if (golden!.classes > 1) {
      const overClasses = tf.sum(grad, 1).dataSync()
      expect(Math.max(...overClasses.map(Math.abs))).toBeLessThan(1e-5)
    }
  })
})
