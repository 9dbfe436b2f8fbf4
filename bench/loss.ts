// The Monte-Carlo loss with its gradient: two blocked passes beside PyTorch's autograd (the authors' way). Samples that the
// labels give no weight are left out of the gradient, which depends on the distribution: so there are three.
// Run: npx tsx bench/loss.ts [--small]
import {
  type LogitDistribution,
  logitDistribution,
  monteCarloNll,
  monteCarloNllAsync,
  setWorkerCount,
  standardNormals,
} from '@stochseg/core'
import { machine, median, peer, report, THREADS } from './harness'
import { trained, trainedLabels } from './trained'

const RANK = 10
const SAMPLES = 20

interface Loss {
  readonly distribution: LogitDistribution
  readonly labels: Uint8Array
}

/** Parameters at random: hardly a sample but one has weight. Near 0 they leave every sample its weight. */
function random(
  batch: number,
  spatial: readonly number[],
  classes: number,
  deviation: 'large' | 'near 0',
): Loss {
  const voxels = spatial.reduce((a, b) => a * b, 1)
  const logits = batch * classes * voxels
  const scale = deviation === 'large' ? 1 : 1e-4
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
    factor: normals(logits * RANK, 2, (x) => 0.3 * scale * x),
    diagonal: normals(logits, 3, (x) => scale * scale * Math.exp(x)),
  })
  const labels = Uint8Array.from(standardNormals(batch * voxels, { seed: 4 }), (x) =>
    Math.min(Math.floor(Math.abs(x) * classes), classes - 1),
  )
  return { distribution, labels }
}

/** A trained network's output for one image and its four raters' label maps, in turns. */
function ofTrainedHead(batch: number): Loss | undefined {
  const head = trained()
  const raters = trainedLabels()
  if (!head || !raters) return undefined
  const repeated = (array: Float32Array): Float32Array => {
    const result = new Float32Array(batch * array.length)
    for (let image = 0; image < batch; image++) result.set(array, image * array.length)
    return result
  }
  const { mean, factor, diagonal } = head
  const arrays = { mean: repeated(mean), factor: repeated(factor), diagonal: repeated(diagonal) }
  const labels = Uint8Array.from(
    { length: (batch * raters.length) / 4 },
    (_, index) => raters[index % raters.length]!,
  )
  return { distribution: logitDistribution({ ...head, batch, ...arrays }), labels }
}

const peers = new Map<string, Record<string, number> | undefined>()

/** PyTorch's time depends on the size alone: each size is timed once. */
function torchTimes(options: object): Record<string, number> | undefined {
  const key = JSON.stringify(options)
  if (!peers.has(key)) peers.set(key, peer('loss.py', options))
  return peers.get(key)
}

async function compare(title: string, loss: Loss, runs: number): Promise<void> {
  const { distribution, labels } = loss
  const { batch, classes, spatial } = distribution
  const voxels = spatial.reduce((a, b) => a * b, 1)
  const options = { samples: SAMPLES, seed: 1, gradients: true }
  const highWater = (): number => process.resourceUsage().maxRSS / 1024
  const before = highWater()
  await monteCarloNllAsync(distribution, labels, options)
  const extra = highWater() - before
  const one = await median(runs, () => monteCarloNll(distribution, labels, options))
  const all = await median(runs, () => monteCarloNllAsync(distribution, labels, options))
  const torch = torchTimes({ batch, voxels, classes, rank: RANK, samples: SAMPLES, runs })
  const size = `N=${batch}, ${spatial.join('×')}, C=${classes}, R=${RANK}, M=${SAMPLES}`
  report(`Monte-Carlo loss and gradient, ${title}: ${size}`, torch?.milliseconds, [
    { name: 'PyTorch autograd (yardstick)', milliseconds: torch?.milliseconds },
    { name: 'stochseg, 1 thread', milliseconds: one },
    { name: `stochseg, ${THREADS} workers`, milliseconds: all },
  ])
  // A process's most memory never falls: only the first of a size tells.
  if (extra < 1) return
  console.log(
    `\nMost memory beyond the inputs, in the first call: ${extra.toFixed(0)} MB (PyTorch: ${torch?.megabytes.toFixed(0) ?? '–'} MB).`,
  )
}

console.log(machine())
setWorkerCount(THREADS)
await compare('random parameters', random(12, [128, 128], 2, 'large'), 8)
const ofTrained = ofTrainedHead(12)
if (ofTrained) await compare('a trained head', ofTrained, 8)
await compare('every sample with weight', random(12, [128, 128], 2, 'near 0'), 8)
if (!process.argv.includes('--small')) {
  await compare('random parameters', random(4, [60, 60, 60], 4, 'large'), 3)
  await compare('every sample with weight', random(4, [60, 60, 60], 4, 'near 0'), 3)
}
