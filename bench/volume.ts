// A whole brain, 240×240×155 with C=4 and R=10: time and memory of label maps, all at once and one by one, float32 and
// binary16. A tenth of the voxels, in the middle, is uncertain.
// Run: npx tsx bench/volume.ts [float16]
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

const megabytes = (): string => `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB at most so far`

async function timed(name: string, run: () => Promise<unknown>): Promise<void> {
  const start = performance.now()
  await run()
  console.log(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s, ${megabytes()}`)
}

console.log(`${machine()}; ${SPATIAL.join('×')}, C=4, R=10, M=${OPTIONS.samples}`)
setWorkerCount(THREADS)
const full = brain(SPATIAL)
console.log(`the distribution: ${megabytes()}`)
const distribution = process.argv[2] === 'float16' ? float16Distribution(full) : full
await timed('one by one', async () => {
  for await (const _ of sampleLabelMapsIterator(distribution, OPTIONS));
})
await timed('all at once', () => sampleLabelMapsAsync(distribution, OPTIONS))
