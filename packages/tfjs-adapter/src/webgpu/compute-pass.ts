// Shaders that write several tensors, which a program of TF.js cannot: all that is given goes into one pass, with far less to
// do for each than TF.js does for a program.
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import { WORKGROUP } from './shader'

/** A shader for tensors of any size. */
export interface PassShader {
  /** Tensors that are read and those that are written, each an array of f32 under its name; at most eight together. */
  readonly reads: readonly string[]
  readonly writes: readonly string[]
  /**
   * Declarations and `fn compute(thread : u32, threads : u32)`, which all threads run, `threads` in number; `group` is the
   * number of a thread's workgroup, `lane` that of the thread in it. It has to use every tensor, and one of the settings.
   */
  readonly code: string
}

/** A shader on some tensors. */
export interface PassRun {
  readonly shader: PassShader
  /** In the shader's order; what is written is nothing that is read, and was made by {@link unwritten}. */
  readonly reads: readonly tf.Tensor[]
  readonly writes: readonly tf.Tensor[]
  /** What the code reads as `settings.<name>`, of f32; the same names in the same order in every run of a shader. */
  readonly settings: Readonly<Record<string, number>>
  /** Workgroups, of `WORKGROUP` threads. */
  readonly groups: number
}

/** A tensor for a shader to write. What it holds until then is anything. */
export function unwritten(backend: WebGPUBackend, shape: readonly number[]): tf.Tensor {
  const info = backend.makeTensorInfo([...shape], 'float32')
  backend.uploadToGPU(info.dataId)
  return tf.engine().makeTensorFromTensorInfo(info)
}

/** So far apart the settings of runs must lie, in bytes. */
const STRIDE = 256

/** Puts the runs into the queue, each of which sees what those before it wrote. Shaders are compiled when they are first met. */
export function runPass(backend: WebGPUBackend, runs: readonly PassRun[]): void {
  const { device, queue, bufferManager } = backend
  const buffers = runs.map(({ reads, writes }) =>
    [...reads, ...writes].map((tensor) => bufferOf(backend, tensor)),
  )
  // What TF.js has recorded so far comes first.
  backend.ensureCommandEncoderReady()
  backend.endComputePassEncoder()
  backend.submitQueue()

  const numbers = new Float32Array((runs.length * STRIDE) / 4)
  for (const [run, { settings }] of runs.entries()) {
    numbers.set(Object.values(settings), (run * STRIDE) / 4)
  }
  const uniforms = bufferManager.acquireBuffer(
    numbers.byteLength,
    GPUBufferUsage.COPY_DST | GPUBufferUsage.UNIFORM,
  )
  queue.writeBuffer(uniforms, 0, numbers)

  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  for (const [run, { shader, settings, groups }] of runs.entries()) {
    const pipeline = pipelineOf(device, shader, Object.keys(settings))
    const resources = [
      ...buffers[run]!.map((buffer) => ({ buffer })),
      { buffer: uniforms, offset: run * STRIDE, size: STRIDE },
    ]
    pass.setPipeline(pipeline)
    pass.setBindGroup(
      0,
      device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: resources.map((resource, binding) => ({ binding, resource })),
      }),
    )
    pass.dispatchWorkgroups(groups)
  }
  pass.end()
  queue.submit([encoder.finish()])
  bufferManager.releaseBuffer(uniforms)
}

function bufferOf(backend: WebGPUBackend, { dataId }: tf.Tensor): GPUBuffer {
  backend.uploadToGPU(dataId)
  return backend.tensorMap.get(dataId).resource as GPUBuffer
}

const pipelines = new WeakMap<GPUDevice, WeakMap<PassShader, GPUComputePipeline>>()

function pipelineOf(device: GPUDevice, shader: PassShader, settings: readonly string[]): GPUComputePipeline {
  const compiled = pipelines.get(device) ?? new WeakMap<PassShader, GPUComputePipeline>()
  pipelines.set(device, compiled)
  const known = compiled.get(shader)
  if (known) return known
  const module = device.createShaderModule({ code: moduleOf(shader, settings) })
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } })
  compiled.set(shader, pipeline)
  return pipeline
}

function moduleOf({ reads, writes, code }: PassShader, settings: readonly string[]): string {
  const arrays = [...reads, ...writes].map((name, binding) => {
    const access = binding < reads.length ? 'read' : 'read_write'
    return `@group(0) @binding(${binding}) var<storage, ${access}> ${name} : array<f32>;`
  })
  return /* wgsl */ `
struct Settings { ${settings.map((name) => `${name} : f32`).join(', ')} }
${arrays.join('\n')}
@group(0) @binding(${arrays.length}) var<uniform> settings : Settings;
var<private> group : u32;
var<private> lane : u32;
${code}
@compute @workgroup_size(${WORKGROUP})
fn main(
  @builtin(workgroup_id) workgroup : vec3u,
  @builtin(num_workgroups) workgroups : vec3u,
  @builtin(local_invocation_index) index : u32,
) {
  group = workgroup.x;
  lane = index;
  compute(group * ${WORKGROUP}u + lane, workgroups.x * ${WORKGROUP}u);
}
`
}
