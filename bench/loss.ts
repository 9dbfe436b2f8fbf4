// The Monte-Carlo loss with its gradient: two blocked passes beside PyTorch's autograd (the authors' way).
// Run: npx tsx bench/loss.ts [--small]
import {
  logitDistribution,
  monteCarloNll,
  monteCarloNllAsync,
  setWorkerCount,
  standardNormals,
} from '@stochseg/core'
import { machine, median, peer, report, THREADS } from './harness'

const RANK = 10
const SAMPLES = 20

async function compare(
  batch: number,
  spatial: readonly number[],
  classes: number,
  runs: number,
): Promise<void> {
  const voxels = spatial.reduce((a, b) => a * b, 1)
  const logits = batch * classes * voxels
  // Filled in place: garbage would hide what the loss needs.
  const normals = (count: number, seed: number, change: (x: number) => number): Float32Array => {
    const values = standardNormals(count, { seed })
    for (let index = 0; index < count; index++) values[index] = change(values[index]!)
    return values
  }
  const distribution = logitDistribution({
    batch,
    classes,
    rank: RANK,
    spatial,
    mean: normals(logits, 1, (x) => x),
    factor: normals(logits * RANK, 2, (x) => 0.3 * x),
    diagonal: normals(logits, 3, Math.exp),
  })
  const labels = Uint8Array.from(standardNormals(batch * voxels, { seed: 4 }), (x) =>
    Math.min(Math.floor(Math.abs(x) * classes), classes - 1),
  )
  const options = { samples: SAMPLES, seed: 1, gradients: true }
  const highWater = (): number => process.resourceUsage().maxRSS / 1024
  const before = highWater()
  await monteCarloNllAsync(distribution, labels, options)
  const extra = highWater() - before
  const one = await median(runs, () => monteCarloNll(distribution, labels, options))
  const all = await median(runs, () => monteCarloNllAsync(distribution, labels, options))
  const torch = peer('loss.py', { batch, voxels, classes, rank: RANK, samples: SAMPLES, runs })
  const size = `N=${batch}, ${spatial.join('×')}, C=${classes}, R=${RANK}, M=${SAMPLES}`
  report(`Monte-Carlo loss and gradient: ${size}`, torch?.milliseconds, [
    { name: 'PyTorch autograd (yardstick)', milliseconds: torch?.milliseconds },
    { name: 'stochseg, 1 thread', milliseconds: one },
    { name: `stochseg, ${THREADS} workers`, milliseconds: all },
  ])
  console.log(
    `\nMost memory beyond the inputs, in the first call: ${extra.toFixed(0)} MB (PyTorch: ${torch?.megabytes.toFixed(0) ?? '–'} MB).`,
  )
}

console.log(machine())
setWorkerCount(THREADS)
await compare(12, [128, 128], 2, 8)
if (!process.argv.includes('--small')) await compare(4, [60, 60, 60], 4, 3)
