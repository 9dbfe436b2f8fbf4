// Test support: the same few steps on any backend.
import { initialWeights, unet } from '@stochseg/backbones'
import { type SsnHead, ssnHead, standardNormals } from '@stochseg/core'
import { createTfjsEngine } from '../index'

export const head: SsnHead = ssnHead({ classes: 2, rank: 2 })

/** Losses of the first steps of a small U-Net. */
export async function fewSteps(
  backend: string,
  dimensions: 2 | 3,
): Promise<{ name: string; losses: number[] }> {
  const spec = unet({ dimensions, inputChannels: 1, widths: [4, 8] })
  const weights = initialWeights(spec, head, { seed: 1, logDiagonalBias: -4, factorScale: 0.3 })
  const engine = await createTfjsEngine({ spec, head, weights, backend })
  const images = standardNormals(2 * 8 ** dimensions, { seed: 2 })
  const labels = Uint8Array.from(images, (value) => (value > 0 ? 1 : 0))
  const roi = Uint8Array.from(images, (_, index) => (index % 7 === 0 ? 0 : 1))
  const batch = { images, labels, roi, batch: 2, channels: 1, spatial: Array<number>(dimensions).fill(8) }
  const losses: number[] = []
  for (let step = 0; step < 5; step++) {
    const phase = step === 0 ? 'mean' : 'all'
    const options = { learningRate: 1e-2, phase, samples: 6, seed: 2 ** 40 + 1, stream: 2 * step } as const
    const mixed = {
      antithetic: step % 2 === 0,
      meanLossWeight: 0.5,
      diagonalLossWeight: 0.25,
      classWeights: [1, 2],
    }
    losses.push((await engine.step(batch, { ...options, ...mixed })).loss)
  }
  const { name } = engine
  engine.dispose()
  return { name, losses }
}
