// Steps of training a second on TF.js' webgpu backend (Dawn, in Node), beside PyTorch on the same GPU, in one run: forward,
// loss of 20 samples, backward, Adam. Run: npx tsx bench/webgpu-training.ts [--small]; a few minutes.
//
// WebGPU comes first, its rows are printed as they are measured, and its memory is given back before PyTorch's are added, which
// bench/setup-peers.sh installs, or python3 has. Whether the GPU computes rightly is asked of `stochseg doctor --only webgpu`.
//
// `--small` is for trying this program out where there is no GPU. A software adapter, which the engine's name says, computes on the
// CPU: it proves nothing about speed. With that of Debian's Chromium:
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
/** So long steps are timed, at the most, of which there are fewer then. */
const SECONDS = 30

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

let cudaWorks = true

/** PyTorch's faster layout; undefined without PyTorch or a GPU that it knows, which is said and found out once. */
function onCuda(example: Example, tf32: boolean): OnCuda | undefined {
  const options = { ...example, rank: RANK, runs: RUNS, device: 'cuda', tf32 }
  const found: OnCuda[] = []
  for (const channelsLast of cudaWorks ? [false, true] : []) {
    try {
      const result = peer('training.py', { ...options, channelsLast })
      cudaWorks = result?.milliseconds !== undefined
      if (!cudaWorks) break
      found.push(result as unknown as OnCuda)
    } catch (cause) {
      console.log(`PyTorch failed on '${example.title}': ${cause}`)
    }
  }
  return found.sort((a, b) => a.milliseconds - b.milliseconds)[0]
}

/** Medians of {@link onWebgpu}, in milliseconds. */
interface OnWebgpu {
  readonly name: string
  /** Of the step in which shaders are compiled, by itself. */
  readonly first: number
  readonly milliseconds: number
  /** Of a step's read, in which nothing is left to do but wait for the device. */
  readonly waiting: number
  readonly steps: number
}

/** Throws `RuntimeUnavailableError` without WebGPU, and where a gradient is wrong. */
async function onWebgpu(example: Example): Promise<OnWebgpu> {
  const { spec, batch, spatial, classes, samples } = example
  const head = ssnHead({ classes, rank: RANK })
  const weights = initialWeights(spec, head, { seed: 1, logDiagonalBias: -4, factorScale: 0.1 })
  const engine = await createTfjsEngine({ spec, head, weights, backend: 'webgpu' })
  if (!small && engine.name.includes('software')) throw new Error(`${engine.name} is no GPU: see --small`)
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
  let end = Number.POSITIVE_INFINITY
  for (let step = 0; step < WARM_UP + RUNS && performance.now() < end; step++) {
    waited = 0
    const start = performance.now()
    if (step === WARM_UP) end = start + 1e3 * SECONDS
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
    ...{ name, first: times[0]!.milliseconds, steps: timed.length },
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

console.log(`${machine()}.\n`)
const ours: OnWebgpu[] = []
try {
  for (const example of chosen) {
    const mine = await onWebgpu(example)
    ours.push(mine)
    const { name, first, steps } = mine
    console.log(
      `${example.title}: ${speed(mine)}, median of ${steps} steps; the first took ${(first / 1e3).toPrecision(2)} s. ${name}`,
    )
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
// Its buffers are many, and kept for reuse.
tf.removeBackend('webgpu')
const torch = chosen.map((example) => ({ ieee: onCuda(example, false), tf32: onCuda(example, true) }))

const cuda = torch.flatMap(({ ieee, tf32 }) => [ieee, tf32]).find((result) => result !== undefined)
console.log(`\n${cuda ? `PyTorch on ${cuda.device}` : 'No PyTorch with CUDA to compare with'}.`)
if (ours[0]!.name.includes('software'))
  console.log('A software adapter: these figures say nothing about speed.')
console.log(
  `Medians of up to ${RUNS} steps, each of which waits for its loss and norm; PyTorch's follow each other without waiting, in the faster of its layouts.\n`,
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
