import { ssnHead, standardNormals } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { openBackend } from './backend'
import { type HeadOutputs, type Loss, materialisedLoss, streamingLoss } from './loss'

beforeAll(async () => {
  await openBackend()
})

const spatial = [5, 7]
const voxels = 35

describe.each([
  ['low-rank', 2],
  ['low-rank', 1],
  ['diagonal', 3],
  ['deterministic', 2],
] as const)('%s head, %i classes', (kind, classes) => {
  const head = ssnHead({ kind, classes, rank: 3 })
  const tensor = (width: number, plane: number): tf.Tensor =>
    tf.tensor(standardNormals(2 * voxels * width, { seed: 1, plane }), [2, ...spatial, width])

  it.each<{ phase: 'mean' | 'all'; roi: boolean; antithetic: boolean; mixed?: boolean }>([
    { phase: 'all', roi: false, antithetic: false },
    { phase: 'all', roi: true, antithetic: true },
    { phase: 'mean', roi: true, antithetic: true },
    { phase: 'all', roi: true, antithetic: false, mixed: true },
    { phase: 'mean', roi: false, antithetic: false, mixed: true },
  ])('streaming equals materialised: %j', (options) => {
    const { phase, roi, antithetic, mixed = false } = options
    const weights = [0.3, 2, 0.7].slice(0, Math.max(classes, 2))
    const inputs = {
      labels: Uint8Array.from({ length: 2 * voxels }, (_, index) => (index * 5) % Math.max(classes, 2)),
      ...(roi ? { roi: Uint8Array.from({ length: 2 * voxels }, (_, index) => (index % 3 ? 1 : 0)) } : {}),
      phase,
      samples: 6,
      antithetic,
      seed: 4,
      stream: 6,
      ...(mixed && { meanLossWeight: 0.5, diagonalLossWeight: 2, classWeights: weights }),
    }
    const all = [tensor(classes, 0), tensor(classes, 1), tensor(classes * 3, 2)]
    const used = phase === 'mean' || kind === 'deterministic' ? 1 : kind === 'diagonal' ? 2 : 3
    const evaluate = (loss: Loss) =>
      tf.valueAndGrads((...tensors: tf.Tensor[]) => {
        const [mean, logDiagonal, factor] = tensors
        const outputs: HeadOutputs = {
          mean: mean!,
          ...(logDiagonal ? { logDiagonal } : {}),
          ...(factor ? { factor } : {}),
        }
        return loss(head, outputs, inputs)
      })(all.slice(0, used))
    const [expected, actual] = [evaluate(materialisedLoss), evaluate(streamingLoss)]
    expect(actual.value.dataSync()[0]).toBeCloseTo(expected.value.dataSync()[0]!, 4)
    actual.grads.forEach((gradient, index) => {
      const error = tf.norm(tf.sub(gradient, expected.grads[index]!)).dataSync()[0]!
      expect(error / tf.norm(expected.grads[index]!).dataSync()[0]!).toBeLessThan(1e-5)
    })
  })
})
