// Running shaders: pipelines are kept, and every error of WebGPU becomes an exception.
import { OutOfMemoryError, RuntimeUnavailableError } from '@stochseg/core'

const pipelines = new WeakMap<GPUDevice, Map<string, Promise<GPUComputePipeline>>>()

/** The pipeline of a shader whose entry point is `main`. Throws {@link RuntimeUnavailableError} for WGSL that is refused. */
export function computePipeline(device: GPUDevice, code: string): Promise<GPUComputePipeline> {
  const known = pipelines.get(device) ?? new Map<string, Promise<GPUComputePipeline>>()
  pipelines.set(device, known)
  const pipeline = known.get(code) ?? compile(device, code)
  known.set(code, pipeline)
  return pipeline
}

async function compile(device: GPUDevice, code: string): Promise<GPUComputePipeline> {
  const module = await guarded(device, () => device.createShaderModule({ code }))
  try {
    return await device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module, entryPoint: 'main' },
    })
  } catch (cause) {
    throw webgpuError(cause instanceof Error ? cause.message : String(cause), cause)
  }
}

/** One run of a shader. */
export interface Pass {
  readonly pipeline: GPUComputePipeline
  /** All buffers that the shader names, and no other. */
  readonly bindings: readonly { readonly binding: number; readonly resource: GPUBufferBinding }[]
  readonly workgroups: readonly [number, number, number]
}

/** Runs shaders one after another, then reads the buffers named. Throws for whatever the device does not take. */
export async function compute(
  device: GPUDevice,
  passes: readonly Pass[],
  read: readonly GPUBuffer[],
): Promise<ArrayBuffer[]> {
  const copies: GPUBuffer[] = []
  try {
    await guarded(device, () => {
      const encoder = device.createCommandEncoder()
      for (const { pipeline, bindings: entries, workgroups } of passes) {
        const pass = encoder.beginComputePass()
        pass.setPipeline(pipeline)
        pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
        pass.dispatchWorkgroups(...workgroups)
        pass.end()
      }
      for (const buffer of read) {
        const { size } = buffer
        const copy = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
        copies.push(copy)
        encoder.copyBufferToBuffer(buffer, 0, copy, 0, size)
      }
      device.queue.submit([encoder.finish()])
    })
    return await Promise.all(
      copies.map(async (copy) => {
        await copy.mapAsync(GPUMapMode.READ)
        return copy.getMappedRange().slice(0)
      }),
    )
  } catch (cause) {
    if (cause instanceof DOMException) throw webgpuError(cause.message, cause)
    throw cause
  } finally {
    for (const copy of copies) copy.destroy()
  }
}

/** Does work that must not wait for anything, and throws what the device found wrong with it. */
export async function guarded<T>(device: GPUDevice, work: () => T): Promise<T> {
  const filters = ['internal', 'out-of-memory', 'validation'] as const
  for (const filter of filters) device.pushErrorScope(filter)
  let result: T
  let scopes: Promise<GPUError | null>[]
  try {
    result = work()
  } finally {
    scopes = filters.map(() => device.popErrorScope())
  }
  const [validation, memory, internal] = await Promise.all(scopes)
  if (memory) {
    throw new OutOfMemoryError('sampling on the device', {
      found: `no more memory (out of memory: ${memory.message})`,
      expected: 'room for the samples',
      remedy: "Ask for fewer samples at a time (with 'first'), or sample with core's functions",
    })
  }
  const error = validation ?? internal
  if (error) throw webgpuError(error.message, error)
  return result
}

function webgpuError(found: string, cause: unknown): RuntimeUnavailableError {
  return new RuntimeUnavailableError('sampling on the device', {
    found: found || 'a device that is lost',
    expected: 'a WebGPU device that runs the shaders',
    remedy: "Sample with core's functions instead, and report the device",
    cause,
  })
}
