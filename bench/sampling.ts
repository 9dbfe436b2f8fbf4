// 100 label maps: fused kernels beside PyTorch's rsample (the authors' way), a native loop, and memory's bandwidth.
// Run: npx tsx bench/sampling.ts [--small] [--model M.onnx --data lidc.h5]
import { parseArgs } from 'node:util'
import {
  type LogitDistribution,
  sampleLabelMaps,
  sampleLabelMapsAsync,
  sampleLogits,
  setWorkerCount,
} from '@stochseg/core'
import { openDataset } from '@stochseg/data'
import { OnnxSegmenter } from '@stochseg/onnx-adapter'
import { brain } from './brain'
import { machine, median, native, peer, report, THREADS } from './harness'
import { trained } from './trained'
import { uncertain } from './uncertain'

const SAMPLES = 100
const options = { samples: SAMPLES, seed: 1 }

/** The output of a model of the user's for the first test image of his data. */
async function ofModel(model: string, data: string): Promise<LogitDistribution> {
  const dataset = await openDataset(data, { split: 'test' })
  const segmenter = await OnnxSegmenter.load(model)
  try {
    return await segmenter.predict((await dataset.case(0)).image, 1, dataset.spatial)
  } finally {
    await segmenter.dispose()
    dataset.close()
  }
}

const peers = new Map<string, Record<string, number> | undefined>()

/** PyTorch's times depend on the size alone: each size is timed once. */
function torchTimes(options: object): Record<string, number> | undefined {
  const key = JSON.stringify(options)
  if (!peers.has(key)) peers.set(key, peer('sampling.py', options))
  return peers.get(key)
}

async function compare(title: string, distribution: LogitDistribution, runs: number): Promise<void> {
  const { classes, rank, spatial } = distribution
  const voxels = spatial.reduce((a, b) => a * b, 1)
  const one = await median(runs, () => sampleLabelMaps(distribution, options))
  const all = await median(runs, () => sampleLabelMapsAsync(distribution, options))
  // As floats a volume's samples would be 1.8 GB.
  const logits = voxels > 1e6 ? undefined : await median(10, () => sampleLogits(distribution, options))
  const loop = native('sampling.c', [voxels, classes, rank, SAMPLES, runs])
  const bytes = [4 * voxels * classes * (rank + 2), SAMPLES * voxels]
  const memory = native('bandwidth.c', [...bytes, runs])
  const torch = torchTimes({ voxels, classes, rank, samples: SAMPLES, runs })
  report(`${title}: ${SAMPLES} label maps of ${spatial.join('×')}, C=${classes}, R=${rank}`, torch?.rsample, [
    { name: 'PyTorch rsample (yardstick)', milliseconds: torch?.rsample },
    { name: 'PyTorch rsample and argmax', milliseconds: torch?.labels },
    { name: `native loop in C, all noise, ${THREADS} threads`, milliseconds: loop?.milliseconds },
    { name: 'memory: parameters read, label maps written, natively', milliseconds: memory?.standing },
    { name: 'the same to memory never touched before', milliseconds: memory?.fresh },
    { name: 'stochseg, 1 thread', milliseconds: one },
    { name: `stochseg, ${THREADS} workers`, milliseconds: all },
    { name: 'stochseg, the logits themselves, 1 thread', milliseconds: logits },
  ])
  const best = Math.min(one, all)
  const share = (limit: number | undefined): string =>
    limit === undefined ? '–' : `${((100 * limit) / best).toFixed(0)} %`
  console.log(
    `\nOf the native loop's speed: ${share(loop?.milliseconds)}; of memory's bandwidth: ${share(memory?.standing)}.`,
  )
}

console.log(machine())
setWorkerCount(THREADS)
await compare('No culling possible', uncertain([128, 128], 2, 10), 50)
const head = trained()
if (head) await compare('A trained head', head, 50)
const { model, data } = parseArgs({
  strict: false,
  options: { model: { type: 'string' }, data: { type: 'string' } },
}).values
if (typeof model === 'string' && typeof data === 'string') {
  await compare('A head that we trained', await ofModel(model, data), 50)
}
if (!process.argv.includes('--small')) {
  await compare('No culling possible', uncertain([120, 120, 77], 4, 10), 3)
  await compare('A tenth of the voxels uncertain', brain([120, 120, 77]), 3)
}
