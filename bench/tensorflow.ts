// Training steps on the backend `tensorflow` beside PyTorch: forward, loss of 20 samples, backward, Adam. Needs
// `npm run setup:libtensorflow` and bench/setup-peers.sh. Run: npx tsx bench/tensorflow.ts
import { initialWeights, type NetworkNode, type NetworkSpec, unet } from '@stochseg/backbones'
import { ssnHead, standardNormals, voxelCount } from '@stochseg/core'
import { createTfjsEngine } from '@stochseg/tfjs-adapter'
import { machine, median, peer, report, THREADS } from './harness'

const RUNS = 7
const CLASSES = 2
const RANK = 10
const SAMPLES = 20

/** Eight 3³ convolutions of 30 channels, each with a rectifier. */
const stack: NetworkSpec = {
  format: 'stochseg.network',
  version: 1,
  name: 'stack',
  dimensions: 3,
  inputs: [{ name: 'relu0', channels: 1 }],
  nodes: [1, 2, 3, 4, 5, 6, 7, 8].flatMap((layer): NetworkNode[] => [
    {
      op: 'convolution',
      name: `convolution${layer}`,
      inputs: [`relu${layer - 1}`],
      channels: 30,
      kernel: [3, 3, 3],
      padding: 'same',
      bias: true,
    },
    { op: 'activation', name: `relu${layer}`, inputs: [`convolution${layer}`], function: 'relu' },
  ]),
  features: 'relu8',
}

async function onTensorflow(spec: NetworkSpec, batch: number, spatial: readonly number[]): Promise<number> {
  const head = ssnHead({ classes: CLASSES, rank: RANK })
  const weights = initialWeights(spec, head, { seed: 1, logDiagonalBias: -4 })
  const engine = await createTfjsEngine({ spec, head, weights, backend: 'tensorflow' })
  const voxels = batch * voxelCount(spatial)
  const images = standardNormals(voxels, { seed: 2 })
  const labels = Uint8Array.from(images, (value) => (value > 0 ? 1 : 0))
  const options = { learningRate: 1e-4, phase: 'all', samples: SAMPLES, seed: 1 } as const
  let stream = 0
  const milliseconds = await median(RUNS, () => {
    stream += batch
    return engine.step({ images, labels, batch, channels: 1, spatial }, { ...options, stream })
  })
  engine.dispose()
  return milliseconds
}

process.env.TF_NUM_INTRAOP_THREADS = String(THREADS)
console.log(machine())
for (const [title, spec, batch, spatial] of [
  [
    'U-Net 32-64-128-256, 128², batch 4',
    unet({ inputChannels: 1, widths: [32, 64, 128, 256] }),
    4,
    [128, 128],
  ],
  ['8 convolutions 3³ of 30 channels, 37³', stack, 1, [37, 37, 37]],
] as const) {
  const task = { spec, batch, spatial, classes: CLASSES, rank: RANK, samples: SAMPLES, runs: RUNS }
  const planar = peer('training.py', task)?.milliseconds
  const channelsLast = peer('training.py', { ...task, channelsLast: true })?.milliseconds
  report(`${title}: a training step`, planar && channelsLast && Math.min(planar, channelsLast), [
    { name: 'PyTorch', milliseconds: planar },
    { name: 'PyTorch, channels last', milliseconds: channelsLast },
    { name: 'stochseg on TensorFlow', milliseconds: await onTensorflow(spec, batch, spatial) },
  ])
}
