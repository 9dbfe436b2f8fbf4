// WebGPU reports a shader that it refuses to nobody, and goes on with stale buffers: here it becomes an exception.
import { OutOfMemoryError, RuntimeUnavailableError, type StochsegError } from '@stochseg/core'
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'

/** Why a device is lost; it stays so. */
const lost = new WeakMap<GPUDevice, StochsegError>()
const watched = new WeakSet<WebGPUBackend>()

/**
 * From now on `backend.read`, and so `tensor.data()`, throws what the device has found wrong since the last read: invalid
 * WGSL and invalid calls as `RuntimeUnavailableError`, too little memory as `OutOfMemoryError`.
 *
 * Throws `RuntimeUnavailableError` where the device is lost, and so does every later read.
 */
export function throwDeviceErrors(backend: WebGPUBackend): void {
  if (!watched.has(backend)) watch(backend)
  throwIfLost(backend.device)
}

function watch(backend: WebGPUBackend): void {
  watched.add(backend)
  const { device } = backend
  const errors: StochsegError[] = []
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault()
    errors.push(deviceError((event as GPUUncapturedErrorEvent).error))
  })
  void device.lost.then(({ message }) => lost.set(device, lostDevice(message)))
  const upload = backend.uploadToGPU.bind(backend)
  backend.uploadToGPU = (dataId) => {
    try {
      upload(dataId)
    } catch (cause) {
      throw cause instanceof RangeError ? noMemory(cause.message, cause) : cause
    }
  }
  const throwAny = (): void => {
    throwIfLost(device)
    const [first] = errors.splice(0)
    if (first) throw first
  }
  const read = backend.read.bind(backend)
  backend.read = async (dataId) => {
    try {
      return await read(dataId)
    } finally {
      throwAny()
    }
  }
}

function throwIfLost(device: GPUDevice): void {
  const error = lost.get(device)
  if (error) throw error
}

const SUBJECT = "TF.js backend 'webgpu'"
/** What is told as an invalid call, not as too little memory: an array beyond the device's limits. */
const TOO_LARGE = /size.*(exceeds the max|larger than the max)/

function deviceError(error: GPUError): StochsegError {
  const found = error.message.trim()
  if (error instanceof GPUOutOfMemoryError || TOO_LARGE.test(found)) return noMemory(found)
  return new RuntimeUnavailableError(SUBJECT, {
    found,
    expected: 'a device that takes every shader and call',
    remedy: "Use 'wasm', and report the device",
  })
}

function noMemory(found: string, cause?: unknown): OutOfMemoryError {
  return new OutOfMemoryError(SUBJECT, {
    found: `no more memory (out of memory: ${found})`,
    expected: "room for the network's tensors, each within the device's limits",
    remedy: 'Choose smaller batches, smaller images or patches, or another backend',
    cause,
  })
}

function lostDevice(message: string): RuntimeUnavailableError {
  return new RuntimeUnavailableError(SUBJECT, {
    found: `a device that is lost${message && ` (${message.trim()})`}`,
    expected: 'one that is there from the first step to the last',
    remedy: 'Start the program anew, or load the page again; a run goes on from its last checkpoint',
  })
}
