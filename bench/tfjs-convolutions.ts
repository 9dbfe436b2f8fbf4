// Single convolutions, forward and both gradients: our kernels on TF.js' wasm backend beside PyTorch, in the faster of its
// layouts. GMAC/s count the products of the direct convolution; Winograd's (ours, and PyTorch's own choice) needs fewer.
// Run: npx tsx bench/tfjs-convolutions.ts
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { installWasmTrainingKernels } from '@stochseg/tfjs-adapter/wasm-training-kernels'
import * as tf from '@tensorflow/tfjs-core'
import { machine, median, peer, THREADS } from './harness'

interface Case {
  readonly batch: number
  readonly spatial: readonly number[]
  readonly width: number
  readonly inputs: number
  readonly outputs: number
  readonly padding: number
}

const image = (size: number, inputs: number, outputs: number): Case => {
  return { batch: 4, spatial: [size, size], width: 3, inputs, outputs, padding: 1 }
}
const volume = (size: number, width: number, inputs: number, outputs: number): Case => {
  return { batch: 1, spatial: [size, size, size], width, inputs, outputs, padding: 0 }
}
const CASES: readonly Case[] = [
  image(128, 32, 32),
  image(64, 64, 64),
  image(32, 128, 128),
  image(16, 256, 256),
  image(128, 96, 64),
  volume(35, 3, 30, 30),
  volume(46, 3, 40, 50),
  volume(30, 1, 150, 250),
]

const RUNS = 9

/** Milliseconds of each case: forward, input gradient, filter gradient. */
async function ours(threads: number): Promise<number[][]> {
  await installWasmTrainingKernels({ threads })
  const results: number[][] = []
  for (const example of CASES) results.push(await milliseconds(example))
  return results
}

async function milliseconds({ batch, spatial, width, inputs, outputs, padding }: Case): Promise<number[]> {
  const kernel = spatial.map(() => width)
  const ones = spatial.map(() => 1)
  const x = tf.randomNormal([batch, ...spatial, inputs])
  const dy = tf.randomNormal([batch, ...outputSize(spatial, width, padding), outputs])
  const filter = tf.randomNormal([...kernel, inputs, outputs])
  const attrs = {
    strides: ones,
    dilations: ones,
    pad: padding > 0 ? 'same' : 'valid',
    dataFormat: spatial.length === 3 ? 'NDHWC' : 'NHWC',
    filterShape: filter.shape,
    inputShape: x.shape,
  } as unknown as tf.NamedAttrMap
  const [dimensions, version] = spatial.length === 3 ? ['3D', 'V2'] : ['2D', '']
  const kernels = [
    [`Conv${dimensions}`, { x, filter }],
    [`Conv${dimensions}BackpropInput${version}`, { dy, filter }],
    [`Conv${dimensions}BackpropFilter${version}`, { x, dy }],
  ] as const
  const results: number[] = []
  for (const [name, tensors] of kernels) {
    const run = tf.getKernel(name, 'wasm')!.kernelFunc
    results.push(
      await median(RUNS, () => {
        const result = run({ inputs: tensors, attrs, backend: tf.backend() }) as tf.TensorInfo
        tf.backend().disposeData(result.dataId)
      }),
    )
  }
  tf.dispose([x, dy, filter])
  return results
}

function outputSize(spatial: readonly number[], width: number, padding: number): number[] {
  return spatial.map((length) => length + 2 * padding - width + 1)
}

/** e.g. `65 / 69 / 86`: GMAC/s of a case's three results. */
function rates({ batch, spatial, width, inputs, outputs, padding }: Case, times?: readonly number[]): string {
  const lengths = [...outputSize(spatial, width, padding), ...spatial.map(() => width)]
  const products = lengths.reduce((all, length) => all * length, batch * inputs * outputs)
  return times?.map((time) => (products / 1e6 / time).toFixed(0)).join(' / ') ?? '–'
}

const script = fileURLToPath(import.meta.url)
const [own] = process.argv.slice(2)
if (own !== undefined) {
  console.log(JSON.stringify(await ours(Number(own))))
  process.exit()
}
const tsx = fileURLToPath(new URL('../node_modules/.bin/tsx', import.meta.url))
const columns = [1, THREADS].map((threads) => ({
  torch: peer('convolutions.py', { threads, cases: CASES, runs: RUNS }) as unknown as number[][] | undefined,
  mine: JSON.parse(
    execFileSync(tsx, [script, String(threads)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  ) as number[][],
}))
console.log(`${machine()}. GMAC/s: forward / input gradient / filter gradient, medians of ${RUNS}.\n`)
console.log(
  `| convolution | PyTorch, 1 thread | ours, 1 thread | PyTorch, ${THREADS} threads | ours, ${THREADS} threads |`,
)
console.log('|---|---:|---:|---:|---:|')
for (const [index, example] of CASES.entries()) {
  const { batch, spatial, width, inputs, outputs } = example
  const name = `N${batch}, ${spatial[0]}${spatial.length === 3 ? '³' : '²'}, ${width}-wide, ${inputs} → ${outputs}`
  const cells = columns.flatMap(({ torch, mine }) => [
    rates(example, torch?.[index]),
    rates(example, mine[index]),
  ])
  console.log(`| ${[name, ...cells].join(' | ')} |`)
}
