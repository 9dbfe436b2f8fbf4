// Memory stays at the distribution and a tile, however many tiles there are.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { logitDistribution, voxelCount } from '../distribution/logit-distribution'
import { type Predict, predictWholeImage } from './predict-whole-image'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const SPATIAL = [60, 64, 64]
const TILE = [20, 16, 16]
const [CLASSES, RANK] = [4, 10]

const geometry = {
  minimumSize: [1, 1, 1],
  multipleOf: [1, 1, 1],
  receptiveField: [1, 1, 1],
  outputSize: (input: readonly number[]) => [...input],
}

async function arrayBytes(): Promise<number> {
  // What a finished call still holds on its stack is let go; freed arrays are counted as such a little later.
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 4; round++) {
    await new Promise((resolve) => setTimeout(resolve))
    collectGarbage()
    least = Math.min(least, process.memoryUsage().arrayBuffers)
  }
  return least
}

test.each([
  { storage: 'float32', factorBytes: 4, deviationBytes: 4 },
  { storage: 'float16', factorBytes: 2, deviationBytes: 2 },
] as const)('in $storage', async ({ storage, factorBytes, deviationBytes }) => {
  const logits = CLASSES * voxelCount(SPATIAL)
  const distributionBytes = logits * (4 + RANK * factorBytes + deviationBytes)
  const tileBytes = voxelCount(TILE) * 4 * (1 + CLASSES * (2 + RANK))
  const images = new Float32Array(voxelCount(SPATIAL))
  const before = await arrayBytes()
  let peak = 0
  let calls = 0
  const predict: Predict = async (_, batch, spatial) => {
    if (++calls % 16 === 0) peak = Math.max(peak, (await arrayBytes()) - before)
    const size = CLASSES * voxelCount(spatial)
    return logitDistribution({
      ...{ batch, classes: CLASSES, rank: RANK, spatial, mean: new Float32Array(size) },
      ...{ factor: new Float32Array(size * RANK).fill(0.5), diagonal: new Float32Array(size).fill(1) },
    })
  }
  const whole = { images, batch: 1, spatial: SPATIAL }
  const distribution = await predictWholeImage(predict, whole, { geometry, tile: TILE, storage })
  peak = Math.max(peak, (await arrayBytes()) - before)
  expect(distribution.spatial).toEqual(SPATIAL)
  expect(peak).toBeGreaterThan(0.8 * distributionBytes)
  // The tile that is made, and those before it that the collector has not come to: far less than a second factor.
  expect(peak).toBeLessThan(1.02 * distributionBytes + 8 * tileBytes)
})
