// One contestant of tfjs-training.ts: a network's training step in this process. Prints milliseconds, those of the loss, and
// the peak of the process's memory.
import { initialWeights } from '@stochseg/backbones'
import { ssnHead, standardNormals, trainingLoss, voxelCount } from '@stochseg/core'
import { createTfjsEngine } from '@stochseg/tfjs-adapter'
import { median } from './harness'
import { examples } from './tfjs-training'

const { name, backend, runs, threads, rank } = JSON.parse(process.argv[2]!) as {
  name: string
  backend: string
  runs: number
  threads: number
  rank: number
}
const { spec, batch, spatial, classes, samples } = examples[name]!
const head = ssnHead({ classes, rank })
const weights = initialWeights(spec, head, { seed: 1, logDiagonalBias: -4, factorScale: 0.1 })
const engine = await createTfjsEngine({ spec, head, weights, backend, threads })
const channels = spec.inputs[0]!.channels
const voxels = batch * voxelCount(spatial)
const images = standardNormals(voxels * channels, { seed: 2 })
const labels = Uint8Array.from({ length: voxels }, (_, voxel) => (voxel >> 4) % classes)
const images1 = { images, labels, batch, channels, spatial }

let step = 0
const options = { learningRate: 1e-4, phase: 'all', samples, seed: 1 } as const
const milliseconds = await median(runs, () => {
  step++
  return engine.step(images1, { ...options, stream: batch * step })
})
const distribution = await engine.predict(images, batch, spatial)
const outputLabels = labels.subarray(0, batch * voxelCount(distribution.spatial))
const loss = await median(runs, () => trainingLoss(distribution, outputLabels, { ...options, stream: 0 }))
const megabytes = process.resourceUsage().maxRSS / 1024
console.log(JSON.stringify({ milliseconds, loss, megabytes }))
process.exit()
