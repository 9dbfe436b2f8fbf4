// A model that ONNX Runtime has loaded on one device, in this thread.
import type { InferenceSession, Tensor } from 'onnxruntime-common'
import type { Device } from '../devices/device'
import { runtimeOf } from '../devices/runtime-of'
import type { OnnxRuntime } from '../onnx-runtime'
import { exclusively } from './exclusive'

/** How a model is loaded. */
export interface SessionSettings {
  readonly device: Device
  /** Threads of one run on the CPU. */
  readonly threads?: number
  /** Names of nodes that run on the CPU; only where the device is WebGPU. */
  readonly cpuNodes: readonly string[]
}

/** An output; its values where they are float32. */
export interface OutputValues {
  readonly type: string
  readonly dims: readonly number[]
  readonly data?: Float32Array
}

/** Outputs by name. */
export type Outputs = Readonly<Record<string, OutputValues>>

/** Outputs by name, on the device that computed them. */
export interface DeviceOutputs {
  readonly device: GPUDevice
  readonly outputs: Readonly<Record<string, Tensor>>
}

/** A loaded model with one input. */
export interface OnnxSession {
  /** Runs it. Rejects with the signal's reason when it is aborted: at once where it runs in another thread. */
  run(image: Float32Array, shape: readonly number[], signal?: AbortSignal): Promise<Outputs>
  release(): Promise<void>
}

/** A session in this thread. */
export class LocalSession implements OnnxSession {
  /** Whether outputs stay on the device until they are read. */
  readonly keepsOutputs: boolean
  readonly #runtime: OnnxRuntime
  readonly #session: InferenceSession

  private constructor(runtime: OnnxRuntime, session: InferenceSession, keepsOutputs: boolean) {
    this.#runtime = runtime
    this.#session = session
    this.keepsOutputs = keepsOutputs
  }

  /** Loads a model. Rejects with ONNX Runtime's own errors. */
  static async create(
    runtime: OnnxRuntime,
    model: Uint8Array,
    { device, threads, cpuNodes }: SessionSettings,
  ): Promise<LocalSession> {
    const web = runtimeOf(device) !== 'onnxruntime-node'
    // Node's binding brings outputs back by itself, and ends the process when asked for a tensor on a device.
    const keepsOutputs = web && device === 'webgpu'
    if (web && threads !== undefined) runtime.env.wasm.numThreads = threads
    const options: InferenceSession.SessionOptions = {
      // An empty list is refused.
      executionProviders: [cpuNodes.length > 0 ? { name: 'webgpu', forceCpuNodeNames: cpuNodes } : device],
      // What goes wrong is thrown; it need not be printed too.
      logSeverityLevel: 4,
      ...(threads === undefined || web ? {} : { intraOpNumThreads: threads }),
      ...(keepsOutputs ? { preferredOutputLocation: 'gpu-buffer' } : {}),
    }
    const session = await exclusively(() => runtime.InferenceSession.create(model, options))
    return new LocalSession(runtime, session, keepsOutputs)
  }

  run(image: Float32Array, shape: readonly number[], signal?: AbortSignal): Promise<Outputs> {
    return exclusively(async () => {
      const values: Record<string, OutputValues> = {}
      for (const [name, tensor] of Object.entries(await this.#outputs(image, shape, signal))) {
        const { type, dims } = tensor
        // Reading a tensor back also frees it.
        const data = tensor.location === 'gpu-buffer' ? await tensor.getData(true) : tensor.data
        values[name] = { type, dims, ...(data instanceof Float32Array ? { data } : {}) }
      }
      return values
    })
  }

  /** As {@link run}, leaving outputs where they are: the caller disposes of them. Only for WebGPU in browsers. */
  runOnDevice(image: Float32Array, shape: readonly number[], signal?: AbortSignal): Promise<DeviceOutputs> {
    return exclusively(async () => ({
      outputs: await this.#outputs(image, shape, signal),
      device: await this.#runtime.env.webgpu.device,
    }))
  }

  async release(): Promise<void> {
    await exclusively(() => this.#session.release())
  }

  async #outputs(
    image: Float32Array,
    shape: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<Record<string, Tensor>> {
    signal?.throwIfAborted()
    // Node's binding takes no memory that threads share.
    const values = image.buffer instanceof ArrayBuffer ? image : image.slice()
    const input = new this.#runtime.Tensor('float32', values, shape)
    const outputs = await this.#session.run({ [this.#session.inputNames[0]!]: input })
    return outputs as Record<string, Tensor>
  }
}
