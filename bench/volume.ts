// A whole brain, 240×240×155 with C=4 and R=10: time and memory of label maps, all at once and one by one, float32 and
// binary16. A tenth of the voxels, in the middle, is uncertain.
// Run: npx tsx bench/volume.ts [float16]
import {
  float16Distribution,
  type LogitDistribution,
  logitDistribution,
  sampleLabelMapsAsync,
  sampleLabelMapsIterator,
  setWorkerCount,
  standardNormals,
} from '@stochseg/core'
import { machine, THREADS } from './harness'

const CLASSES = 4
const RANK = 10
const SPATIAL = [240, 240, 155]
const VOXELS = 240 * 240 * 155
const OPTIONS = { samples: 20, seed: 1 }

function brain(): LogitDistribution {
  const normals = standardNormals(65_537, { seed: 1 })
  const fill = (planes: number, value: (normal: number, plane: number, isUncertain: boolean) => number) => {
    const array = new Float32Array(planes * VOXELS)
    for (let index = 0; index < array.length; index++) {
      const voxel = index % VOXELS
      const isUncertain = voxel > 0.45 * VOXELS && voxel < 0.55 * VOXELS
      array[index] = value(normals[index % normals.length]!, (index - voxel) / VOXELS, isUncertain)
    }
    return array
  }
  return logitDistribution({
    ...{ batch: 1, classes: CLASSES, rank: RANK, spatial: SPATIAL },
    mean: fill(CLASSES, (x, plane, isUncertain) => (isUncertain ? x : plane === 0 ? 12 : -12) + 0.1 * x),
    factor: fill(CLASSES * RANK, (x, _, isUncertain) => (isUncertain ? 0.5 : 0.05) * x),
    diagonal: fill(CLASSES, () => 1e-5),
  })
}

const megabytes = (): string => `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB at most so far`

async function timed(name: string, run: () => Promise<unknown>): Promise<void> {
  const start = performance.now()
  await run()
  console.log(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s, ${megabytes()}`)
}

console.log(`${machine()}; ${SPATIAL.join('×')}, C=${CLASSES}, R=${RANK}, M=${OPTIONS.samples}`)
setWorkerCount(THREADS)
const full = brain()
console.log(`the distribution: ${megabytes()}`)
const distribution = process.argv[2] === 'float16' ? float16Distribution(full) : full
await timed('one by one', async () => {
  for await (const _ of sampleLabelMapsIterator(distribution, OPTIONS));
})
await timed('all at once', () => sampleLabelMapsAsync(distribution, OPTIONS))
