// Test support, run in a process of its own: small networks on Node's WebGPU provider, in one line of JSON.
import { OnnxSegmenter } from '../onnx-segmenter'
import { smallNetworks } from './small-networks'

const findings: Record<string, unknown> = {}
for (const [name, { model, image, spatial }] of Object.entries(smallNetworks())) {
  const segmenter = await OnnxSegmenter.load(model, { device: 'webgpu', verify: true })
  const { device, placement, differenceToCpu } = segmenter
  const { spatial: size } = await segmenter.predict(image, 1, spatial)
  await segmenter.dispose()
  findings[name] = { device, placement, differenceToCpu, size }
}
console.log(JSON.stringify(findings))
