import { initialWeights, unet, withoutAuxiliary } from '@stochseg/backbones'
import { ShapeError, ssnHead, standardNormals } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { auxiliaryLoss } from './auxiliary-loss'
import { openBackend } from './backend'
import { buildModel } from './build'
import { createTfjsEngine } from './index'
import { streamingLoss } from './loss'

const head = ssnHead({ classes: 2, rank: 2 })
const draw = { phase: 'all', samples: 4, seed: 1, stream: 0 } as const

beforeAll(() => openBackend())

describe('auxiliaryLoss', () => {
  it('is the weighted cross-entropy of the labels in the middle of each block, scaled up to all voxels', () => {
    // Blocks of 2 × 3: the middle is row 1, column 1.
    const labels = Uint8Array.from({ length: 2 * 4 * 6 }, (_, index) =>
      index % 12 === 7 || index % 12 === 10 ? 1 : 0,
    )
    const roi = labels.map((_, index) => (index === 7 ? 0 : 1))
    const logits = tf.tensor(standardNormals(2 * 4 * 2, { seed: 2 }), [2, 2, 2, 2])
    const thin = {
      labels: Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1),
      roi: Uint8Array.of(0, 1, 1, 1, 1, 1, 1, 1),
    }
    const loss = auxiliaryLoss(head, [{ logits, weight: 0.5 }], { labels, roi, ...draw }, [4, 6])!
    const expected = streamingLoss(head, { mean: logits }, { ...thin, ...draw, phase: 'mean' })
    expect(loss.dataSync()[0]).toBeCloseTo(0.5 * 6 * expected.dataSync()[0]!, 4)
  })

  it('refuses a size that does not divide', () => {
    const logits = tf.zeros([1, 2, 3, 2])
    const labels = new Uint8Array(20)
    expect(() => auxiliaryLoss(head, [{ logits, weight: 1 }], { labels, ...draw }, [4, 5])).toThrow(
      ShapeError,
    )
  })
})

it.each(['low-rank', 'deterministic'] as const)('a %s U-Net learns with deep supervision', async (kind) => {
  const network = ssnHead({ classes: 2, rank: 2, kind })
  const spec = unet({ inputChannels: 1, widths: [4, 6, 8], deepSupervision: true })
  const weights = initialWeights(spec, network, { seed: 1, logDiagonalBias: -4, factorScale: 0.1 })
  const engine = await createTfjsEngine({ spec, head: network, weights })
  const images = standardNormals(2 * 256, { seed: 3 })
  const batch = {
    images,
    labels: Uint8Array.from(images, (_, index) => (index % 16 > 7 ? 1 : 0)),
    batch: 2,
    channels: 1,
    spatial: [16, 16],
  }
  const step = async (stream: number): Promise<number> =>
    (await engine.step(batch, { ...draw, learningRate: 0.02, stream })).loss
  const first = await step(0)
  let last = first
  for (let index = 1; index < 40; index++) last = await step(index)
  expect(last).toBeLessThan(0.6 * first)

  const state = await engine.exportState()
  const name = 'auxiliary.up1.relu1.weight'
  expect(state.weights.get(name)).not.toEqual(weights.get(name))
  const distribution = await engine.predict(images, 2, [16, 16])
  const trained = withoutAuxiliary(spec, state.weights)
  const model = buildModel(trained.spec, network, trained.weights)
  const mean = [model.apply(tf.tensor(images, [2, 16, 16, 1]), { training: false })].flat()[0] as tf.Tensor
  const planar = tf.transpose(mean, [0, 3, 1, 2]).dataSync()
  expect(distribution.mean).toEqual(planar)
  engine.dispose()
})
