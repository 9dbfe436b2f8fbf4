// Single convolutions on TF.js' wasm backend, forward and both gradients, on one thread and on two: part of tfjs-training.ts.
// GMAC/s count the products of the direct convolution; Winograd's needs a quarter of them.

import { initialWeights, unet } from '@stochseg/backbones'
import { ssnHead } from '@stochseg/core'
import { createTfjsEngine } from '@stochseg/tfjs-adapter'
import * as tf from '@tensorflow/tfjs-core'
import { THREADS } from './harness'

type Case = readonly [
  batch: number,
  spatial: readonly number[],
  kernel: number,
  inputs: number,
  outputs: number,
]

const CASES: readonly Case[] = [
  [4, [128, 128], 3, 32, 32],
  [4, [64, 64], 3, 64, 64],
  [4, [32, 32], 3, 128, 128],
  [4, [16, 16], 3, 256, 256],
  [4, [128, 128], 3, 96, 64],
  [1, [37, 37, 37], 3, 30, 30],
  [1, [46, 46, 46], 3, 40, 50],
  [1, [30, 30, 30], 1, 150, 250],
]

/** Prints the table. */
export async function convolutionTable(): Promise<void> {
  // The engine starts the backend with its kernels.
  const spec = unet({ inputChannels: 1, widths: [4] })
  const head = ssnHead({ classes: 2, rank: 1 })
  await createTfjsEngine({ spec, head, weights: initialWeights(spec, head, { seed: 0 }), threads: THREADS })
  console.log(`| convolution, ${THREADS} threads, GMAC/s | forward | input gradient | filter gradient |`)
  console.log('|---|---:|---:|---:|')
  for (const example of CASES) {
    const [batch, spatial, kernel, inputs, outputs] = example
    const name = `N${batch}, ${spatial.join('×')}, ${kernel}-wide, ${inputs} → ${outputs}`
    console.log(
      `| ${name} | ${rates(example)
        .map((rate) => rate.toFixed(0))
        .join(' | ')} |`,
    )
  }
}

function rates([batch, spatial, width, inputs, outputs]: Case): number[] {
  const volume = spatial.length === 3
  const kernel = spatial.map(() => width)
  const output = volume ? spatial.map((length) => length - width + 1) : spatial
  const x = tf.randomNormal([batch, ...spatial, inputs])
  const dy = tf.randomNormal([batch, ...output, outputs])
  const filter = tf.randomNormal([...kernel, inputs, outputs])
  const ones = volume ? [1, 1, 1] : [1, 1]
  const attrs = {
    strides: ones,
    dilations: ones,
    pad: volume ? 'valid' : 'same',
    dataFormat: volume ? 'NDHWC' : 'NHWC',
    filterShape: filter.shape,
    inputShape: x.shape,
  } as unknown as tf.NamedAttrMap
  const [dimensions, version] = volume ? ['3D', 'V2'] : ['2D', '']
  const macs = batch * [...output, ...kernel].reduce((a, b) => a * b, inputs * outputs)
  const kernels = [
    [`Conv${dimensions}`, { x, filter }],
    [`Conv${dimensions}BackpropInput${version}`, { dy, filter }],
    [`Conv${dimensions}BackpropFilter${version}`, { x, dy }],
  ] as const
  const results = kernels.map(([name, tensors]) => {
    const run = tf.getKernel(name, 'wasm')!.kernelFunc
    const times = Array.from({ length: 8 }, () => {
      const start = performance.now()
      const result = run({ inputs: tensors, attrs, backend: tf.backend() }) as tf.TensorInfo
      const time = performance.now() - start
      tf.backend().disposeData(result.dataId)
      return time
    })
    return macs / 1e6 / times.sort((a, b) => a - b)[times.length >> 1]!
  })
  tf.dispose([x, dy, filter])
  return results
}
