// What ONNX Runtime's errors mean. It has no error classes: they are told by their text.
import { ModelError, OutOfMemoryError, RuntimeUnavailableError, StochsegError } from '@stochseg/core'
import type { Device } from '../devices/device'

const NO_MEMORY =
  /out[ _-]of[ _-]memory|bad_alloc|failed to allocate|array buffer allocation failed|not enough memory|invalid typed array length/i
const NO_DEVICE =
  /ExecutionProvider|shared library|WebGPU adapter|WebGPU is not supported|no available backend|backend not found|not supported in this build|WebGPU device|device.{0,20}lost|CUDA (failure|error)|worker/i
/** Where in ONNX Runtime's sources which condition did not hold, in front of what is wrong. */
const SOURCE_PLACE = /\S+\.(cc|cu|h):\d+ .* was (true|false)\. /

const REMEDIES: Record<Device, string> = {
  cpu: 'Install onnxruntime-node again: npm install --ignore-scripts onnxruntime-node',
  cuda: 'It needs Linux on x64, an NVIDIA driver, CUDA 12 with cuDNN 9, and: npm install onnxruntime-node --onnxruntime-node-install=cuda12',
  webgpu:
    "It needs a graphics card with a Vulkan, Metal or Direct3D 12 driver; device: 'webgpu' also takes a software one",
  wasm: 'It needs WebAssembly with SIMD, and the .wasm files of onnxruntime-web beside its scripts',
}

/** The error of a device that does not work here. */
export function deviceUnavailable(device: Device, found: string, cause?: unknown): RuntimeUnavailableError {
  return new RuntimeUnavailableError(`device '${device}'`, {
    found,
    expected: `ONNX Runtime's ${device} provider`,
    remedy: REMEDIES[device],
    cause,
  })
}

/** The typed error for what ONNX Runtime threw; errors that are typed already stay as they are. */
export function sessionError(device: Device, subject: string, cause: unknown): StochsegError {
  if (cause instanceof StochsegError) return cause
  const text = message(cause)
  const found = text.replace(SOURCE_PLACE, '')
  if (NO_MEMORY.test(text)) {
    return new OutOfMemoryError(`${subject} on ${device}`, {
      found: `no more memory (out of memory: ${found})`,
      expected: 'room for one prediction',
      remedy: 'Choose smaller tiles, smaller batches, or another device',
      cause,
    })
  }
  if (NO_DEVICE.test(text)) return deviceUnavailable(device, found, cause)
  return new ModelError(subject, {
    found,
    expected: `a model that ONNX Runtime can run on ${device}`,
    remedy: 'The file is damaged, or needs a newer ONNX Runtime: export it again or update',
    cause,
  })
}

function message(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  return text.trim().replaceAll(/\s+/g, ' ')
}
