// A model that runs in a worker: neither Node's event loop nor a page waits for it.
import type { RuntimeName } from '../devices/runtime-of'
import { node } from '../node'
import { runtimePath } from '../onnx-runtime'
import { exclusively } from '../session/exclusive'
import type { OnnxSession, Outputs, SessionSettings } from '../session/onnx-session'
import { closed, type ExitFlags, exitFlags } from './orderly-exit'
import type { WorkerReply, WorkerRequest } from './worker-messages'
import { WORKER_SOURCE } from './worker-source.generated'

/** What Node's and browsers' workers have in common. */
interface Thread {
  postMessage(message: WorkerRequest): void
  /** Ends it from outside. Threads of Node's are asked to end instead: to be ended in native code aborts the process. */
  terminate?(): void
  ref?(): void
  unref?(): void
}

interface Handlers {
  reply(reply: WorkerReply): void
  fail(cause: Error): void
}

/** Starts a worker of the caller's own, whose program calls `serveModel`. */
export type StartWorker = () => Worker

/** A session in a worker of its own. The worker keeps the process alive only while it has something to answer. */
export class ThreadSession implements OnnxSession {
  readonly #thread: Thread
  readonly #waiting: { resolve(outputs: Outputs): void; reject(cause: unknown): void }[] = []
  #failure: Error | undefined
  #released: Promise<void> | undefined

  private constructor(start: (handlers: Handlers) => Thread) {
    this.#thread = start({
      reply: (reply) => {
        const oldest = this.#waiting.shift()
        if ('error' in reply) oldest?.reject(new Error(reply.error))
        else oldest?.resolve(reply.outputs)
        if (this.#waiting.length === 0) this.#thread.unref?.()
      },
      fail: (cause) => {
        this.#failure ??= cause
        for (const { reject } of this.#waiting.splice(0)) reject(this.#failure)
      },
    })
    this.#thread.unref?.()
  }

  /** Starts a worker and loads a model there. Rejects with ONNX Runtime's own words, or with the worker's failure. */
  static async create(
    runtime: RuntimeName,
    model: Uint8Array,
    settings: SessionSettings,
    startWorker?: StartWorker,
  ): Promise<ThreadSession> {
    const inNode = node && { runtime: moduleUrl(runtime), flags: exitFlags() }
    const session = new ThreadSession((handlers) =>
      inNode ? nodeThread(handlers, inNode.flags) : browserThread(handlers, startWorker!),
    )
    const request: WorkerRequest = { kind: 'create', model, settings, ...(inNode && { inNode }) }
    const create = (): Promise<Outputs> => session.#send(request)
    try {
      // Threads of Node's share one WebGPU device.
      await (settings.device === 'webgpu' ? exclusively(create) : create())
    } catch (error) {
      await session.release()
      throw error
    }
    if (settings.device === 'webgpu') session.#inTurn = exclusively
    return session
  }

  async run(image: Float32Array, shape: readonly number[], signal?: AbortSignal): Promise<Outputs> {
    signal?.throwIfAborted()
    const outputs = this.#inTurn(() => this.#send({ kind: 'run', image, shape }))
    if (!signal) return outputs
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      outputs.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    })
  }

  release(): Promise<void> {
    // A worker that is gone has freed its model; one that is busy is not ended.
    this.#released ??= this.#inTurn(() => this.#send({ kind: 'release' })).then(
      () => this.#end(),
      () => this.#end(),
    )
    return this.#released
  }

  #inTurn: (send: () => Promise<Outputs>) => Promise<Outputs> = (send) => send()

  #send(request: WorkerRequest): Promise<Outputs> {
    return new Promise((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure)
        return
      }
      // First: what cannot be copied, for want of memory, throws, and no answer will come to it.
      this.#thread.postMessage(request)
      this.#waiting.push({ resolve, reject })
      this.#thread.ref?.()
    })
  }

  #end(): void {
    this.#failure ??= new Error('the model was disposed of, and its worker ended')
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure)
    this.#thread.terminate?.()
  }
}

function moduleUrl(runtime: RuntimeName): string {
  return node!('node:url').pathToFileURL(runtimePath(runtime)).href
}

function nodeThread({ reply, fail }: Handlers, flags: ExitFlags): Thread {
  const { Worker } = node!('node:worker_threads')
  // Without the parent's flags: a loader given there would be loaded by every thread.
  const worker = new Worker(WORKER_SOURCE, { eval: true, execArgv: [], name: 'stochseg model' })
  worker.on('message', reply)
  worker.on('error', (cause) => fail(new Error(`the worker failed: ${cause}`, { cause })))
  worker.on('exit', (code) => {
    closed(flags)
    fail(new Error(`the worker stopped with exit code ${code}`))
  })
  return {
    postMessage: (message) => worker.postMessage(message),
    ref: () => worker.ref(),
    unref: () => worker.unref(),
  }
}

function browserThread({ reply, fail }: Handlers, startWorker: StartWorker): Thread {
  const worker = startWorker()
  worker.onmessage = ({ data }) => reply(data)
  worker.onerror = (event) =>
    fail(new Error(`the worker failed: ${event.message || 'it could not be started'}`))
  worker.onmessageerror = () => fail(new Error('the worker gave an answer that could not be read'))
  return worker
}
