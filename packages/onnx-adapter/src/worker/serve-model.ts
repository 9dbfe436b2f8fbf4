// The worker's side: answers requests in the order in which they come.
import type { OnnxRuntime } from '../onnx-runtime'
import { LocalSession, type Outputs } from '../session/onnx-session'
import { busily, type ExitFlags } from './orderly-exit'
import type { CreateRequest, WorkerReply, WorkerRequest } from './worker-messages'

/** What Node's parent port and a browser worker's global scope have in common. */
interface Port {
  postMessage(message: WorkerReply, transfer: ArrayBuffer[]): void
  addEventListener?(type: 'message', listener: (event: { data: WorkerRequest }) => void): void
  on?(type: 'message', listener: (request: WorkerRequest) => void): void
}

/**
 * Runs a model for the page that started this worker. To be called by a worker's program, at once:
 *
 * `serveModel(() => import('onnxruntime-web/webgpu'))`
 *
 * @param loadRuntime gives ONNX Runtime; without it the page says which to load.
 */
export function serveModel(loadRuntime?: () => Promise<OnnxRuntime>): void {
  // Where a bundler put the runtime into this program, its threads are workers with this program, too.
  if ((globalThis as { readonly name?: string }).name?.startsWith('em-pthread')) {
    void loadRuntime?.()
    return
  }
  const node = globalThis.process?.getBuiltinModule?.('node:worker_threads')
  const port = (node?.parentPort ?? globalThis) as unknown as Port
  let session: LocalSession | undefined
  let flags: ExitFlags | undefined
  let last: Promise<void> = Promise.resolve()

  async function work(request: WorkerRequest): Promise<Outputs> {
    if (request.kind === 'run') return session!.run(request.image, request.shape)
    if (request.kind === 'create') session = await load(request, loadRuntime)
    else await session?.release()
    return {}
  }
  async function answer(request: WorkerRequest): Promise<WorkerReply> {
    try {
      if (request.kind === 'create') flags = request.inNode?.flags
      return { outputs: await (flags ? busily(flags, () => work(request)) : work(request)) }
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) }
    }
  }
  const receive = (request: WorkerRequest): void => {
    last = last.then(async () => {
      const reply = await answer(request)
      port.postMessage(reply, 'outputs' in reply ? buffersOf(reply.outputs) : [])
      // Nothing keeps the thread then: it ends by itself.
      if (request.kind === 'release') node?.parentPort?.close()
    })
  }
  if (node?.parentPort) port.on!('message', receive)
  else port.addEventListener!('message', ({ data }) => receive(data))
}

async function load(
  { model, settings, inNode }: CreateRequest,
  loadRuntime: (() => Promise<OnnxRuntime>) | undefined,
): Promise<LocalSession> {
  const module = loadRuntime
    ? await loadRuntime()
    : await import(/* webpackIgnore: true */ /* @vite-ignore */ inNode!.runtime)
  const runtime: OnnxRuntime = module.InferenceSession ? module : module.default
  // Errors are thrown; ONNX Runtime would print them too.
  runtime.env.logLevel = 'fatal'
  return LocalSession.create(runtime, model, settings)
}

function buffersOf(outputs: Outputs): ArrayBuffer[] {
  return Object.values(outputs).flatMap(({ data }) => (data ? [data.buffer as ArrayBuffer] : []))
}
