import { initialWeights, unet } from '@stochseg/backbones'
import { type HeadKind, ssnHead, standardNormals } from '@stochseg/core'
import { exportOnnx, OnnxSegmenter } from '@stochseg/onnx-adapter'
import { createTfjsEngine } from '@stochseg/tfjs-adapter'
import { expect, test } from 'vitest'

const SIZE = 16

test.each<HeadKind>(['low-rank', 'diagonal', 'deterministic'])(
  'a trained %s network gives the same distribution in TF.js and as .onnx',
  async (kind) => {
    const spec = unet({ inputChannels: 1, widths: [8, 16] })
    const head = ssnHead({ kind, classes: 2, rank: 3 })
    const engine = await createTfjsEngine({ spec, head, weights: initialWeights(spec, head, { seed: 1 }) })
    const images = standardNormals(2 * SIZE * SIZE, { seed: 2 })
    const labels = Uint8Array.from(images, (intensity) => Number(intensity > 0.5))
    const batch = { images, labels, batch: 2, channels: 1, spatial: [SIZE, SIZE] }
    for (let step = 0; step < 3; step++) {
      await engine.step(batch, { learningRate: 1e-3, phase: 'all', samples: 4, seed: 0, stream: 2 * step })
    }
    const { weights } = await engine.exportState()
    const segmenter = await OnnxSegmenter.load(exportOnnx({ spec, head, weights }))

    const trained = await engine.predict(images, 2, [SIZE, SIZE])
    const exported = await segmenter.predict(images, 2, [SIZE, SIZE])
    for (const part of ['mean', 'factor', 'diagonal'] as const) {
      expect(exported[part].length).toBe(trained[part].length)
      const largest = trained[part].reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      const off = trained[part].reduce(
        (most, value, i) => Math.max(most, Math.abs(value - exported[part][i]!)),
        0,
      )
      expect(off).toBeLessThanOrEqual(1e-4 * largest)
    }
    engine.dispose()
    await segmenter.dispose()
  },
)
