// Test support, in a page: what the package does in browsers, as plain data for the test outside.
import { type RuntimeUnavailableError, sampleLabelMaps } from '@stochseg/core'
import { marginalsOnDevice, sampleLabelMapsOnDevice } from '../on-device/sample-on-device'
import { OnnxSegmenter, type SegmenterOptions } from '../onnx-segmenter'
import { randomImages } from '../random-network'
import { samplingFindings } from './sampling-cases'
import { smallNetworks } from './small-networks'

export { serveModel } from '../worker/serve-model'

/** Samples on the page's own WebGPU device beside core's. */
export async function samplingInPage(): Promise<unknown> {
  const adapter = await navigator.gpu.requestAdapter()
  return samplingFindings(await adapter!.requestDevice())
}

/** Small networks on WebGPU: compared with WebAssembly, and sampled where they lie. */
export async function networksOnWebgpu(): Promise<unknown> {
  const findings: Record<string, unknown> = {}
  for (const name of ['every operation in 3D', 'grouped convolutions in 3D']) {
    const { model } = smallNetworks()[name]!
    const segmenter = await OnnxSegmenter.load(model, { device: 'webgpu', verify: true })
    const { device, placement, differenceToCpu } = segmenter
    // The size of the verification: for another one WebGPU would compile everything again.
    const { minimumSize: spatial, channels } = segmenter.metadata
    const image = randomImages(1, channels, spatial)
    const distribution = await segmenter.predict(image, 1, spatial)
    const resident = await segmenter.predictOnDevice(image, 1, spatial)
    const options = { samples: 500, seed: 7 }
    const found = await sampleLabelMapsOnDevice(resident, options)
    const { entropy } = await marginalsOnDevice(resident, options)
    const expected = sampleLabelMaps(distribution, options)
    resident.dispose()
    await segmenter.dispose()
    findings[name] = {
      ...{ device, placement, differenceToCpu },
      labels: expected.length,
      different: found.filter((label, index) => label !== expected[index]).length,
      finite: entropy.every((value) => value >= 0 && value <= 1),
    }
  }
  return findings
}

const { model, image, spatial } = smallNetworks()['a deterministic U-Net in 3D']!

/** A prediction's values, where the model runs, and what was tried. */
export async function predictWith(options: SegmenterOptions): Promise<unknown> {
  const segmenter = await OnnxSegmenter.load(model, options)
  const { device, attempts } = segmenter
  let ticks = 0
  const timer = setInterval(() => ticks++, 0)
  // Two that do not wait for each other: ONNX Runtime by itself would hang.
  const [first, second] = await Promise.all([
    segmenter.predict(image, 1, spatial),
    segmenter.predict(image, 1, spatial),
  ])
  clearInterval(timer)
  const onDevice = await errorOf(segmenter.predictOnDevice(image, 1, spatial))
  await segmenter.dispose()
  const same = first.mean.every((value, index) => value === second.mean[index])
  return { device, attempts, mean: [...first.mean], same, onDevice }
}

/** What goes wrong in a page, by name. */
export async function errorsInPage(): Promise<Record<string, string>> {
  const errors = {
    worker: await errorOf(OnnxSegmenter.load(model, { worker: true })),
    cuda: await errorOf(OnnxSegmenter.load(model, { device: 'cuda' })),
    missing: await errorOf(OnnxSegmenter.load('/no-such-file.onnx')),
    brokenWorker: await errorOf(
      OnnxSegmenter.load(model, { device: 'wasm', worker: () => worker("throw new Error('broken')") }),
    ),
    lost: '',
  }
  const segmenter = await OnnxSegmenter.load(model, { device: 'webgpu' })
  const resident = await segmenter.predictOnDevice(image, 1, spatial)
  resident.device.destroy()
  errors.lost = await errorOf(sampleLabelMapsOnDevice(resident, { samples: 1, seed: 0 }))
  return errors
}

/** A module worker with this program. */
export function worker(program: string): Worker {
  const url = URL.createObjectURL(new Blob([program], { type: 'text/javascript' }))
  return new Worker(url, { type: 'module' })
}

async function errorOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'none'
  } catch (error) {
    const { name, message } = error as RuntimeUnavailableError
    return `${name}: ${message}`
  }
}
