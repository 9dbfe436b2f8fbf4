// Test support, run in a process of little memory: an image whose features do not fit, then one that does.
import { unet } from '@stochseg/backbones'
import { ssnHead } from '@stochseg/core'
import { exportOnnx } from '../export-onnx'
import { OnnxSegmenter } from '../onnx-segmenter'
import { randomWeights } from '../random-network'

const spec = unet({ inputChannels: 1, widths: [64, 64] })
const head = ssnHead({ classes: 2, rank: 2 })
const model = exportOnnx({ spec, head, weights: randomWeights(spec, head, 3) })
const segmenter = await OnnxSegmenter.load(model, { device: 'cpu', threads: 1 })
const size = 6144
try {
  await segmenter.predict(new Float32Array(size ** 2), 1, [size, size])
} catch (error) {
  const { name, message } = error as Error
  console.log(`${name}: ${message}`)
}
console.log(String((await segmenter.predict(new Float32Array(64), 1, [8, 8])).spatial))
await segmenter.dispose()
