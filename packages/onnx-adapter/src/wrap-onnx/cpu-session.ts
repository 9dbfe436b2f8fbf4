// A network on the CPU, in this thread: what probing and frozen features run on.
import { ModelError } from '@stochseg/core'
import type { Device } from '../devices/device'
import { runtimeOf } from '../devices/runtime-of'
import { node } from '../node'
import { loadOnnxRuntime } from '../onnx-runtime'
import { LocalSession, type OnnxSession } from '../session/onnx-session'

/** Loads a model. Throws `RuntimeUnavailableError` without ONNX Runtime, {@link ModelError} for a model that it refuses. */
export async function cpuSession(model: Uint8Array): Promise<OnnxSession> {
  const device: Device = node ? 'cpu' : 'wasm'
  const runtime = await loadOnnxRuntime(runtimeOf(device))
  try {
    return await LocalSession.create(runtime, model, { device, cpuNodes: [] })
  } catch (cause) {
    throw new ModelError('ONNX network', {
      found: cause instanceof Error ? cause.message : String(cause),
      expected: 'a network that ONNX Runtime can load',
      remedy:
        'The file is damaged, or needs operators that this ONNX Runtime lacks: export it again or update',
      cause,
    })
  }
}
