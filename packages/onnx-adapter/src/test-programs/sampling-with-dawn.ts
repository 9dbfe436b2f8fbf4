// Test support, run in a process of its own: sampling on Dawn, WebGPU for Node, and what it does with what is wrong.
import { logitDistribution } from '@stochseg/core'
import { create, globals } from 'webgpu'
import { computePipeline } from '../on-device/compute'
import { toDevice } from '../on-device/device-distribution'
import { sampleLabelMapsOnDevice } from '../on-device/sample-on-device'
import { samplingFindings } from './sampling-cases'

// Kept where the garbage collector finds it in use: Dawn does not survive its loss.
Object.assign(globalThis, globals, { gpu: create([]) })
const adapter = await (globalThis as unknown as { gpu: GPU }).gpu.requestAdapter()
const device = await adapter!.requestDevice()
const uncaptured: string[] = []
device.addEventListener('uncapturederror', ({ error }) => uncaptured.push(error.message))
const findings = await samplingFindings(device)

const one = (length: number) => new Float32Array(length).fill(1)
const distribution = toDevice(
  device,
  logitDistribution({
    batch: 1,
    classes: 1,
    rank: 1,
    spatial: [4],
    mean: one(4),
    factor: one(4),
    diagonal: one(4),
  }),
)
const errorOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing',
    (error: Error) => `${error.name}: ${error.message}`,
  )
const options = { samples: 2, seed: 0 }
const errors = {
  seed: await errorOf(sampleLabelMapsOnDevice(distribution, { ...options, seed: -1 })),
  samples: await errorOf(sampleLabelMapsOnDevice(distribution, { ...options, samples: 0 })),
  scale: await errorOf(sampleLabelMapsOnDevice(distribution, { ...options, edits: { classScale: [1, 2] } })),
  roi: await errorOf(sampleLabelMapsOnDevice(distribution, { ...options, roi: new Uint8Array(3) })),
  buffer: await errorOf(sampleLabelMapsOnDevice({ ...distribution, spatial: [99] }, options)),
  aborted: await errorOf(
    sampleLabelMapsOnDevice(distribution, { ...options, signal: AbortSignal.abort(new Error('before')) }),
  ),
  wgsl: await errorOf(computePipeline(device, 'fn main() { let x: i32 = 1.5; }')),
  tooLong: await errorOf(
    sampleLabelMapsOnDevice(
      { ...distribution, mean: { size: 2 ** 40 } as GPUBuffer, spatial: [2 ** 36] },
      options,
    ),
  ),
  destroyed: '',
}
device.destroy()
errors.destroyed = await errorOf(sampleLabelMapsOnDevice(distribution, options))
console.log(JSON.stringify({ findings, errors, uncaptured }))
// Dawn keeps the process alive.
process.exit(0)
