// Steps of training on TF.js' wasm backend and, where it is set up (npm run setup:libtensorflow), on TensorFlow, beside PyTorch.
// Each runs in a process of its own, since memory that WebAssembly took it keeps.
// Run: npx tsx bench/tfjs-training.ts [name …], of networks as below.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import {
  deepmedic,
  type NetworkNode,
  type NetworkSpec,
  networkSpec,
  unet,
  unetLidc,
} from '@stochseg/backbones'
import { machine, peer, THREADS } from './harness'

/** A network and the images of its step. */
export interface Example {
  readonly title: string
  readonly spec: NetworkSpec
  readonly batch: number
  readonly spatial: readonly number[]
  readonly classes: number
  readonly samples: number
}

const unet128 = {
  spec: unet({ inputChannels: 1, widths: [32, 64, 128, 256] }),
  batch: 4,
  spatial: [128, 128],
  classes: 2,
}

export const examples: Readonly<Record<string, Example>> = {
  unet: { title: 'U-Net base 32, depth 4, N4, 128², M20', ...unet128, samples: 20 },
  unet50: { title: 'the same, M50', ...unet128, samples: 50 },
  stack: {
    title: '8 × conv3d(30) + ReLU, N1, 37³ → 21³, M20',
    spec: convolutions(8, 30),
    batch: 1,
    spatial: [37, 37, 37],
    classes: 2,
    samples: 20,
  },
  lidc: {
    title: "the paper's U-Net (10.3 M), N12, 128², M20",
    spec: unetLidc(),
    batch: 12,
    spatial: [128, 128],
    classes: 2,
    samples: 20,
  },
  deepmedic: {
    title: "the paper's DeepMedic (1.05 M), N1, 110³ → 30³, C4, M20",
    spec: deepmedic({ inputChannels: 4 }),
    batch: 1,
    spatial: [110, 110, 110],
    classes: 4,
    samples: 20,
  },
}

function convolutions(count: number, channels: number): NetworkSpec {
  const nodes = Array.from({ length: count }, (_, index): NetworkNode[] => [
    {
      op: 'convolution',
      name: `conv${index}`,
      inputs: [index === 0 ? 'image' : `relu${index - 1}`],
      channels,
      kernel: [3, 3, 3],
      padding: 'valid',
      bias: true,
    },
    { op: 'activation', name: `relu${index}`, inputs: [`conv${index}`], function: 'relu' },
  ]).flat()
  return networkSpec({
    format: 'stochseg.network',
    version: 1,
    name: 'stack',
    dimensions: 3,
    inputs: [{ name: 'image', channels: 1 }],
    nodes,
    features: `relu${count - 1}`,
  })
}

const RANK = 10
const RUNS = 5
const BACKENDS = ['wasm', 'tensorflow'] as const

/** What tfjs-training-step.ts prints; undefined, said aloud, where the backend is not there. */
function ours(name: string, backend: string): Record<string, number> | undefined {
  const script = fileURLToPath(new URL('./tfjs-training-step.ts', import.meta.url))
  const tsx = fileURLToPath(new URL('../node_modules/.bin/tsx', import.meta.url))
  const options = JSON.stringify({ name, backend, runs: RUNS, threads: THREADS, rank: RANK })
  const env = { ...process.env, TF_NUM_INTRAOP_THREADS: String(THREADS), TF_CPP_MIN_LOG_LEVEL: '3' }
  try {
    return JSON.parse(
      execFileSync(tsx, [script, options], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] }),
    )
  } catch (error) {
    const lines = String((error as { stderr?: unknown }).stderr ?? error).split('\n')
    console.error(`${backend}: ${lines.find((line) => line.includes('Error')) ?? lines[0]}`)
    return undefined
  }
}

function row(cells: readonly unknown[]): void {
  console.log(`| ${cells.join(' | ')} |`)
}

function report(name: string): void {
  const { title, ...example } = examples[name]!
  const options = { ...example, rank: RANK, runs: RUNS }
  const planar = peer('training.py', { ...options, channelsLast: false })
  const channelsLast = peer('training.py', { ...options, channelsLast: true })
  const fastest = Math.min(planar?.milliseconds ?? Infinity, channelsLast?.milliseconds ?? Infinity)
  const mine = BACKENDS.map((backend) => ours(name, backend))
  const whole = (value: number | undefined): string => value?.toFixed(0) ?? '–'
  const ratio = (time: number): string => (fastest < Infinity ? (time / fastest).toFixed(2) : '–')
  const timed = (result: Record<string, number> | undefined): string =>
    result ? `${whole(result.milliseconds)} (${ratio(result.milliseconds!)})` : '–'
  const [wasm] = mine
  const loss = wasm && `${whole(wasm.loss)} (${((100 * wasm.loss!) / wasm.milliseconds!).toFixed(0)} %)`
  const megabytes = [planar, ...mine].map((result) => whole(result?.megabytes))
  const times = [planar, channelsLast].map((result) => whole(result?.milliseconds))
  row([title, ...times, ...mine.map(timed), loss ?? '–', megabytes.join(', ')])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`${machine()}. Medians of ${RUNS}; memory is the process's peak.\n`)
  const ratios = BACKENDS.map((backend) => `${backend} ms (× the faster PyTorch)`)
  row([
    ...['step', 'PyTorch ms', 'channels last ms', ...ratios],
    'the loss on wasm, ms (share)',
    `MB: PyTorch, ${BACKENDS.join(', ')}`,
  ])
  row(['---', ...Array(6).fill('---:')])
  const names = process.argv.slice(2)
  for (const name of names.length > 0 ? names : Object.keys(examples)) report(name)
}
