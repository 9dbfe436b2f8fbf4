// Test support, run in a process of its own: a model that nobody disposes of; the process may exit in the midst of its work.
import { unet } from '@stochseg/backbones'
import { ssnHead } from '@stochseg/core'
import { exportOnnx } from '../export-onnx'
import { OnnxSegmenter } from '../onnx-segmenter'
import { randomImages, randomWeights } from '../random-network'

const spec = unet({ inputChannels: 1, widths: [8, 16] })
const head = ssnHead({ classes: 2, rank: 2 })
const model = exportOnnx({ spec, head, weights: randomWeights(spec, head, 3) })
const size = [512, 512]
const exitAt = process.argv[2]
const exitAfter = (milliseconds: number) => setTimeout(() => process.exit(3), milliseconds)

if (exitAt === 'load') exitAfter(45)
const segmenter = await OnnxSegmenter.load(model, { device: 'cpu' })
if (exitAt === 'predict') exitAfter(60)
await segmenter.predict(randomImages(1, 1, size), 1, size)
console.log('predicted')
