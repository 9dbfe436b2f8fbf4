// Networks beside the plain U-Net are trained by the same engine.
import { deepmedic, initialWeights, meshnet, type NetworkSpec, unet } from '@stochseg/backbones'
import { ssnHead, standardNormals, type TrainingBatch, voxelCount } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { createTfjsEngine } from './index'

const networks: [string, NetworkSpec, number[]][] = [
  [
    'a DeepMedic, whose output is smaller than its input',
    deepmedic({ inputChannels: 1, widths: [6, 6], jointWidths: [8, 8], dropout: [0, 0.1, 0.1] }),
    [35, 35, 35],
  ],
  ['a MeshNet in 3D', meshnet({ inputChannels: 1, dilations: [1, 2, 4, 1] }), [10, 9, 8]],
  [
    'a residual U-Net in 3D',
    unet({
      dimensions: 3,
      inputChannels: 1,
      widths: [4, 8],
      normalisation: 'instance',
      activation: 'leakyRelu',
      upsampling: 'transposed',
      residual: true,
    }),
    [8, 12, 8],
  ],
]

describe.each(networks)('%s', (_name, spec, spatial) => {
  it('learns to tell dark from bright, without leaking', async () => {
    const head = ssnHead({ classes: 2, rank: 2 })
    const weights = initialWeights(spec, head, { seed: 3, logDiagonalBias: -4, factorScale: 0.1 })
    const engine = await createTfjsEngine({ spec, head, weights })
    const images = standardNormals(voxelCount(spatial), { seed: 4 })
    const labels = Uint8Array.from(images, (value) => (value > 0 ? 1 : 0))
    const batch: TrainingBatch = { images, labels, batch: 1, channels: 1, spatial }
    const options = { learningRate: 0.01, phase: 'all', samples: 4, seed: 1 } as const
    const { loss: first } = await engine.step(batch, { ...options, stream: 0 })
    const tensors = tf.memory().numTensors
    let last = first
    for (let step = 1; step <= 10; step++)
      last = (await engine.step(batch, { ...options, stream: step })).loss
    expect(tf.memory().numTensors).toBe(tensors)
    expect(last).toBeLessThan(0.8 * first)
    engine.dispose()
  })
})
