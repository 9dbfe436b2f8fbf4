// Training on TF.js' wasm backend: convolutions beside TF.js' own kernels, and whole steps. Run: npx tsx bench/tfjs-training.ts
// Each figure is the best of several runs; GMAC/s count the products of the direct convolution.
import { initialWeights, unet } from '@stochseg/backbones'
import { ssnHead, standardNormals } from '@stochseg/core'
import { createTfjsEngine } from '@stochseg/tfjs-adapter'
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-wasm'

const BATCH = 8

function bestOf(runs: number, run: () => tf.TensorInfo): number {
  const times = Array.from({ length: runs }, () => {
    const start = performance.now()
    const output = run()
    const time = performance.now() - start
    tf.backend().disposeData(output.dataId)
    return time
  })
  return Math.min(...times)
}

async function step(widths: number[], size: number): Promise<number> {
  const spec = unet({ inputChannels: 1, widths })
  const head = ssnHead({ classes: 2, rank: 10 })
  const engine = await createTfjsEngine({ spec, head, weights: initialWeights(spec, head, { seed: 1 }) })
  const voxels = BATCH * size * size
  const batch = {
    images: standardNormals(voxels, { seed: 2 }),
    labels: Uint8Array.from({ length: voxels }, (_, voxel) => (voxel % size > size / 2 ? 1 : 0)),
    batch: BATCH,
    channels: 1,
    spatial: [size, size],
  }
  const times: number[] = []
  for (let index = 0; index < 10; index++) {
    const start = performance.now()
    await engine.step(batch, {
      learningRate: 1e-3,
      phase: 'all',
      samples: 20,
      seed: 1,
      stream: BATCH * index,
    })
    times.push(performance.now() - start)
  }
  engine.dispose()
  return Math.min(...times)
}

const stock = tf.getKernel(tf.Conv2D, 'wasm')!
const small = await step([8, 16, 32], 32)
const large = await step([16, 32, 64, 64], 64)
const ours = tf.getKernel(tf.Conv2D, 'wasm')!
const filterGradient = tf.getKernel(tf.Conv2DBackpropFilter, 'wasm')!

console.log(`3×3 convolutions, batch ${BATCH}     TF.js    ours  (ratio)   filter gradient   GMAC/s`)
for (const [size, inputs, outputs] of [
  [64, 16, 16],
  [64, 48, 32],
  [32, 96, 64],
  [16, 128, 64],
  [128, 32, 32],
] as const) {
  const x = tf.randomNormal([BATCH, size, size, inputs])
  const dy = tf.randomNormal([BATCH, size, size, outputs])
  const filter = tf.randomNormal([3, 3, inputs, outputs])
  const backend = tf.backend()
  const attrs = { strides: 1, pad: 'same', dilations: 1, dataFormat: 'NHWC', filterShape: filter.shape }
  const time = (kernel: tf.KernelConfig, inputTensors: tf.NamedTensorInfoMap): number =>
    bestOf(10, () => kernel.kernelFunc({ inputs: inputTensors, backend, attrs }) as tf.TensorInfo)
  const times = [
    time(stock, { x, filter }),
    time(ours, { x, filter }),
    time(filterGradient, { x, dy }),
  ] as const
  const products = (BATCH * size * size * 9 * inputs * outputs) / 1e6
  console.log(
    `${size}² ${inputs}→${outputs}`.padEnd(28),
    ...times.slice(0, 2).map((ms) => ms.toFixed(2).padStart(7)),
    `(${(times[0] / times[1]).toFixed(1)}×)`.padStart(8),
    times[2].toFixed(2).padStart(16),
    times
      .map((ms) => (products / ms).toFixed(0))
      .join(' / ')
      .padStart(16),
  )
  tf.dispose([x, dy, filter])
}
console.log(`step, U-Net 8-16-32 at 32², batch ${BATCH}, rank 10, 20 samples: ${small.toFixed(0)} ms`)
console.log(`step, U-Net 16-32-64-64 at 64², batch ${BATCH}, rank 10, 20 samples: ${large.toFixed(0)} ms`)
