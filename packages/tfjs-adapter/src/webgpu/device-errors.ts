// WebGPU reports a shader that it refuses to nobody, and goes on with stale buffers: here it becomes an exception.
import { RuntimeUnavailableError } from '@stochseg/core'
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'

const watched = new WeakSet<WebGPUBackend>()

/**
 * From now on `backend.read`, and so `tensor.data()`, throws what the device has found wrong since the last read: invalid
 * WGSL, invalid calls, too little memory, a lost device.
 */
export function throwDeviceErrors(backend: WebGPUBackend): void {
  if (watched.has(backend)) return
  watched.add(backend)
  const messages: string[] = []
  backend.device.addEventListener('uncapturederror', (event) => {
    event.preventDefault()
    messages.push((event as GPUUncapturedErrorEvent).error.message)
  })
  void backend.device.lost.then(({ message }) => messages.push(`the device is lost: ${message}`))
  const throwAny = (): void => {
    const [first] = messages.splice(0)
    if (first !== undefined) throw deviceError(first)
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

function deviceError(found: string): RuntimeUnavailableError {
  return new RuntimeUnavailableError("TF.js backend 'webgpu'", {
    found: found.trim(),
    expected: 'a device that takes every shader and call',
    remedy: "Use 'wasm', and report the device",
  })
}
