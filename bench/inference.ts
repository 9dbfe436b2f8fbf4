// A trained network's whole job, image in and 16 label maps out: ONNX Runtime and our samples beside PyTorch on the CPU.
// Run: npx tsx bench/inference.ts [--whole]    --whole: a volume of 240×240×155 in tiles, instead of single ones (minutes)
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { deepmedicBrats, initialWeights, type NetworkSpec, unetLidc } from '@stochseg/backbones'
import {
  sampleLabelMapsAsync,
  sampleLabelMapsIterator,
  setWorkerCount,
  ssnHead,
  standardNormals,
  voxelCount,
} from '@stochseg/core'
import { exportOnnx, OnnxSegmenter, predictWhole } from '@stochseg/onnx-adapter'
import { machine, median, peer, THREADS } from './harness'

const SAMPLES = 16
const RANK = 10

interface Job {
  readonly title: string
  readonly network: 'unet' | 'deepmedic'
  readonly spec: () => NetworkSpec
  readonly channels: number
  readonly classes: number
  readonly input: readonly number[]
  readonly runs: number
}

const deepmedic = { network: 'deepmedic', spec: deepmedicBrats, channels: 4, classes: 4 } as const

const JOBS: readonly Job[] = [
  {
    title: "the paper's U-Net, 128²",
    network: 'unet',
    spec: unetLidc,
    channels: 1,
    classes: 2,
    input: [128, 128],
    runs: 9,
  },
  { ...deepmedic, title: 'DeepMedic, 110³ → 30³', input: [110, 110, 110], runs: 3 },
  { ...deepmedic, title: 'DeepMedic, 140³ → 60³', input: [140, 140, 140], runs: 3 },
]

/** The largest resident size of this process so far, in MB. */
const peak = (): number => process.resourceUsage().maxRSS / 1024

async function load({ spec, classes }: Job): Promise<OnnxSegmenter> {
  const network = spec()
  const head = ssnHead({ classes, rank: RANK })
  // Untrained, features grow from block to block: keep the variance finite.
  const weights = new Map(
    [...initialWeights(network, head, { seed: 1 })].map(([name, { shape, data }]) => [
      name,
      { shape, data: name.startsWith('head.') ? data.map((value) => value / 100) : data },
    ]),
  )
  return OnnxSegmenter.load(exportOnnx({ spec: network, head, weights }), { threads: THREADS })
}

async function measure(job: Job): Promise<object> {
  const segmenter = await load(job)
  setWorkerCount(THREADS)
  const image = standardNormals(job.channels * voxelCount(job.input), { seed: 2 })
  const predict = () => segmenter.predict(image, 1, job.input)
  const forward = await median(job.runs, predict)
  const distribution = await predict()
  const sampling = await median(job.runs, () =>
    sampleLabelMapsAsync(distribution, { samples: SAMPLES, seed: 1 }),
  )
  return { forward, both: forward + sampling, peak: peak() }
}

/** A row of the table: milliseconds and MB. */
function row(name: string, times: Record<string, number> | undefined, yardstick?: number): void {
  if (times === undefined) return
  const { forward, both, peak: memory } = times
  const ratio = yardstick === undefined ? '1' : (both! / yardstick).toFixed(2)
  console.log(
    `| ${name} | ${forward!.toFixed(0)} | ${both!.toFixed(0)} | ${ratio} | ${memory!.toFixed(0)} MB |`,
  )
}

function compare(index: number): void {
  const { title, network, channels, classes, input, runs } = JOBS[index]!
  console.log(`\n### ${title}, C=${classes}, R=${RANK}, ${SAMPLES} label maps\n`)
  console.log("| | forward, ms | + samples, ms | × PyTorch's time | peak memory |\n|---|---:|---:|---:|---:|")
  const options = { network, channels, classes, rank: RANK, input, samples: SAMPLES, runs }
  const eager = peer('inference.py', { ...options, compile: false })
  row('PyTorch, eager', eager)
  const compiled = peer('inference.py', { ...options, compile: true })
  if (compiled?.forward) row('PyTorch, torch.compile', compiled, eager?.both)
  else console.log(`torch.compile does not work here: ${compiled?.reason}`)
  row('stochseg', JSON.parse(child(String(index), 'pipe')!), eager?.both)
}

async function wholeVolume(storage: 'float32' | 'float16'): Promise<void> {
  const segmenter = await load(JOBS[2]!)
  setWorkerCount(THREADS)
  const spatial = [155, 240, 240]
  const images = standardNormals(4 * voxelCount(spatial), { seed: 2 })
  const start = performance.now()
  const seconds = (): string => `${((performance.now() - start) / 1000).toFixed(0)} s`
  const distribution = await predictWhole(
    segmenter,
    { images, batch: 1, spatial },
    {
      storage,
      tile: [140, 140, 140],
      onProgress: (done, total) => process.stderr.write(`\r${storage}: tile ${done}/${total}, ${seconds()} `),
    },
  )
  const [forward, memory] = [seconds(), peak()]
  for await (const _ of sampleLabelMapsIterator(distribution, { samples: SAMPLES, seed: 1 }));
  const size = `${spatial.join('×')}, C=4, R=${RANK}, ${storage}`
  const parameters = `parameters after ${forward}, peak ${memory.toFixed(0)} MB`
  console.log(
    `\n${size}: ${parameters}; ${SAMPLES} label maps after ${seconds()}, peak ${peak().toFixed(0)} MB`,
  )
}

/** Runs this file in a process of its own, so that its peak is its own. */
function child(argument: string, stdout: 'pipe' | 'inherit'): string | null {
  const argv = [...process.execArgv, fileURLToPath(import.meta.url), argument]
  return execFileSync(process.execPath, argv, { encoding: 'utf8', stdio: ['ignore', stdout, 'inherit'] })
}

const [argument] = process.argv.slice(2)
if (argument === '--whole') {
  console.log(machine())
  for (const storage of ['float16', 'float32']) child(storage, 'inherit')
} else if (argument === 'float16' || argument === 'float32') {
  await wholeVolume(argument)
} else if (argument !== undefined) {
  console.log(JSON.stringify(await measure(JOBS[Number(argument)]!)))
} else {
  console.log(machine())
  for (const index of JOBS.keys()) compare(index)
}
