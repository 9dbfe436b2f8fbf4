// A whole brain, 240×240×155 with C=4: time and memory of label maps, all at once and one by one, float32 and binary16. A
// tenth of the voxels, in the middle, is uncertain. With rank 30 the factor alone is beyond WASM's 4 GiB.
// Run: npx tsx bench/volume.ts [--float16] [--rank 10]
import { parseArgs } from 'node:util'
import {
  float16Distribution,
  sampleLabelMapsAsync,
  sampleLabelMapsIterator,
  setWorkerCount,
} from '@stochseg/core'
import { brain } from './brain'
import { machine, THREADS } from './harness'

const SPATIAL = [240, 240, 155]
const OPTIONS = { samples: 20, seed: 1 }

const { values } = parseArgs({
  options: { float16: { type: 'boolean' }, rank: { type: 'string', default: '10' } },
})
const rank = Number(values.rank)

const megabytes = (): string => `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB at most so far`

async function timed<T>(name: string, run: () => Promise<T>): Promise<T> {
  const start = performance.now()
  const result = await run()
  console.log(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s, ${megabytes()}`)
  return result
}

console.log(`${machine()}; ${SPATIAL.join('×')}, C=4, R=${rank}, M=${OPTIONS.samples}`)
setWorkerCount(THREADS)
const full = brain(SPATIAL, rank)
console.log(`the distribution: ${megabytes()}`)
const distribution = values.float16 ? float16Distribution(full) : full
const sum = (map: Uint8Array): number =>
  map.reduce((total, label, voxel) => total + label * (voxel % 1021), 0)
const sums: number[] = []
await timed('one by one, each looked through', async () => {
  for await (const map of sampleLabelMapsIterator(distribution, OPTIONS)) sums.push(sum(map))
})
const maps = await timed('all at once', () => sampleLabelMapsAsync(distribution, OPTIONS))
const voxels = maps.length / OPTIONS.samples
if (
  sums.some((expected, sample) => sum(maps.subarray(sample * voxels, (sample + 1) * voxels)) !== expected)
) {
  throw new Error('other label maps at once than one by one')
}
console.log('the same label maps either way')
