// Steps of training a second on TF.js' webgpu backend (Dawn, in Node), beside PyTorch on the same GPU, in one run: forward,
// loss of 20 samples, backward, Adam. Run: npx tsx bench/webgpu-training.ts [--small]
//
// PyTorch comes first, while the GPU's memory is free; bench/setup-peers.sh installs it. `--small` is for trying this program
// out where there is no GPU. A software adapter, which the engine's name says, computes on the CPU: it proves nothing about
// speed. With that of Debian's Chromium:
// LD_LIBRARY_PATH=/usr/lib/chromium VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json npx tsx bench/webgpu-training.ts --small
import { deepmedic, initialWeights, unet } from '@stochseg/backbones'
import { ssnHead, standardNormals, voxelCount } from '@stochseg/core'
import { createTfjsEngine } from '@stochseg/tfjs-adapter'
import * as tf from '@tensorflow/tfjs-core'
import { machine, peer } from './harness'
import { type Example, examples } from './tfjs-training'

const small = process.argv.includes('--small')
const RANK = 10
const RUNS = small ? 3 : 30
/** Steps before the clock starts: shaders are compiled, clocks rise. */
const WARM_UP = small ? 1 : 5

const chosen: readonly Example[] = small
  ? [
      {
        title: 'a small U-Net, N2, 32², M20',
        spec: unet({ inputChannels: 1, widths: [4, 8] }),
        ...{ batch: 2, spatial: [32, 32], classes: 2, samples: 20 },
      },
      {
        title: 'a small DeepMedic, N1, 21³ → 9³, C4, M20',
        spec: deepmedic({ inputChannels: 4, scaleFactors: [3, 1], widths: [4, 4], jointWidths: [8, 8] }),
        ...{ batch: 1, spatial: [21, 21, 21], classes: 4, samples: 20 },
      },
    ]
  : [examples.unet!, examples.deepmedic!]

/** What peers/training.py prints for a GPU. */
interface OnCuda {
  readonly milliseconds: number
  readonly device: string
}

/** PyTorch's faster layout; undefined without PyTorch or a GPU that it knows. */
function onCuda(example: Example, tf32: boolean): OnCuda | undefined {
  const options = { ...example, rank: RANK, runs: RUNS, device: 'cuda', tf32 }
  const found = [false, true]
    .map((channelsLast) => peer('training.py', { ...options, channelsLast }))
    .flatMap((result) => (result?.milliseconds ? [result as unknown as OnCuda] : []))
  return found.sort((a, b) => a.milliseconds - b.milliseconds)[0]
}

/** Milliseconds of a step and of its read, in which nothing is left to do but wait for the device: medians. */
async function onWebgpu(example: Example): Promise<{ name: string; milliseconds: number; waiting: number }> {
  const { spec, batch, spatial, classes, samples } = example
  const head = ssnHead({ classes, rank: RANK })
  const weights = initialWeights(spec, head, { seed: 1, logDiagonalBias: -4, factorScale: 0.1 })
  const engine = await createTfjsEngine({ spec, head, weights, backend: 'webgpu' })
  const channels = spec.inputs[0]!.channels
  const voxels = batch * voxelCount(spatial)
  const images = standardNormals(voxels * channels, { seed: 2 })
  const labels = Uint8Array.from({ length: voxels }, (_, voxel) => (voxel >> 4) % classes)

  let waited = 0
  const backend = tf.backend()
  const read = backend.read.bind(backend)
  backend.read = async (data) => {
    const start = performance.now()
    const values = await read(data)
    waited += performance.now() - start
    return values
  }
  const times: { milliseconds: number; waiting: number }[] = []
  for (let step = 0; step < WARM_UP + RUNS; step++) {
    waited = 0
    const start = performance.now()
    await engine.step(
      { images, labels, batch, channels, spatial },
      { learningRate: 1e-4, phase: 'all', samples, seed: 1, stream: batch * step },
    )
    times.push({ milliseconds: performance.now() - start, waiting: waited })
  }
  backend.read = read
  const { name } = engine
  engine.dispose()
  const middle = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!
  const timed = times.slice(WARM_UP)
  return {
    name,
    milliseconds: middle(timed.map(({ milliseconds }) => milliseconds)),
    waiting: middle(timed.map(({ waiting }) => waiting)),
  }
}

function row(cells: readonly unknown[]): void {
  console.log(`| ${cells.join(' | ')} |`)
}

function speed(result: { milliseconds: number } | undefined): string {
  if (!result) return '–'
  const { milliseconds } = result
  return `${(1e3 / milliseconds).toPrecision(3)} (${milliseconds.toPrecision(3)} ms)`
}

const torch = chosen.map((example) => ({ ieee: onCuda(example, false), tf32: onCuda(example, true) }))
const ours = []
for (const example of chosen) ours.push(await onWebgpu(example))

const { name } = ours[0]!
const peers = torch[0]!.ieee ? `PyTorch on ${torch[0]!.ieee.device}` : 'no PyTorch with CUDA to compare with'
console.log(`\n${machine()}. ${name}; ${peers}.`)
if (name.includes('software')) console.log('A software adapter: these figures say nothing about speed.')
console.log(
  `Medians of ${RUNS} steps, each of which waits for its loss and norm; PyTorch's follow each other without waiting, in the faster of its layouts.\n`,
)
row(['step', 'webgpu, steps/s', 'waiting for the read', 'PyTorch float32, steps/s', 'TF32', '× float32 time'])
row(['---', ...Array(5).fill('---:')])
for (const [index, { title }] of chosen.entries()) {
  const mine = ours[index]!
  const { ieee, tf32 } = torch[index]!
  row([
    title,
    speed(mine),
    `${((100 * mine.waiting) / mine.milliseconds).toFixed(0)} %`,
    ...[ieee, tf32].map(speed),
    ieee ? (mine.milliseconds / ieee.milliseconds).toFixed(2) : '–',
  ])
}
process.exit()
