// Test support, run in a process of little memory: an image whose features do not fit, as a whole, in tiles, and in a network
// that takes nothing smaller.
import { networkSpec, type PerAxis } from '@stochseg/backbones'
import { ssnHead } from '@stochseg/core'
import { exportOnnx } from '../export-onnx'
import { OnnxSegmenter } from '../onnx-segmenter'
import { predictWhole } from '../predict-whole'
import { randomWeights } from '../random-network'

/** 4 KiB of features a pixel, at little work. */
const spec = networkSpec({
  ...{ format: 'stochseg.network', version: 1, name: 'wide', dimensions: 2 },
  inputs: [{ name: 'image', channels: 1 }],
  nodes: [
    {
      ...{ op: 'convolution', name: 'wide', inputs: ['image'], channels: 1024 },
      ...{ kernel: [1, 1], padding: 'same', bias: false },
    },
  ],
  features: 'wide',
})
const head = ssnHead({ classes: 2, rank: 2 })
const weights = randomWeights(spec, head, 3)
const SPATIAL = [2048, 1280]
const images = new Float32Array(2048 * 1280)

function load(fixed?: PerAxis): Promise<OnnxSegmenter> {
  const model = exportOnnx({ spec, head, weights, ...(fixed && { fixed: { spatial: fixed } }) })
  return OnnxSegmenter.load(model, { device: 'cpu', threads: 2 })
}
const report = (error: unknown): void => console.log(String(error))

const segmenter = await load()
await segmenter.predict(images, 1, SPATIAL).catch(report)
const onSmallerTile = (size: readonly number[]): void => console.log(`tiles of ${size}`)
const whole = { images, batch: 1, spatial: SPATIAL }
const found = await predictWhole(segmenter, whole, { tile: SPATIAL, onSmallerTile })
console.log(String(found.spatial))
await segmenter.dispose()

const fixed = await load(SPATIAL)
await predictWhole(fixed, whole, { onSmallerTile }).catch(report)
await fixed.dispose()
