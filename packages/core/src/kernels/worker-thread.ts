// One worker thread, in Node or in a browser. Its program is a string, so that bundlers have no file to find.
import type { WorkerReply, WorkerRequest } from './worker-messages'
import { WORKER_SOURCE } from './worker-source.generated'

/** A thread that answers requests in the order in which they come. */
export interface WorkerThread {
  /** Rejects when the thread cannot be started, fails or is ended. */
  send(request: WorkerRequest): Promise<WorkerReply>
  /** Ends the thread, whatever it has in hand. */
  terminate(): void
}

interface Handlers {
  reply(reply: WorkerReply): void
  fail(cause: unknown): void
}

/** What Node's and browsers' workers have in common. */
interface RawWorker {
  postMessage(message: WorkerRequest, transfer: ArrayBuffer[]): void
  terminate(): unknown
  ref?(): void
  unref?(): void
}

/** Starts a thread. It keeps the process alive only while a request is unanswered. */
export function workerThread(): WorkerThread {
  const waiting: { resolve: (reply: WorkerReply) => void; reject: (cause: unknown) => void }[] = []
  let failure: { readonly cause: unknown } | undefined
  const fail = (cause: unknown): void => {
    failure = { cause }
    for (const { reject } of waiting.splice(0)) reject(cause)
  }
  const worker = start({
    reply(reply) {
      waiting.shift()?.resolve(reply)
      if (waiting.length === 0) worker.unref?.()
    },
    fail,
  })
  worker.unref?.()
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        if (failure) {
          reject(failure.cause)
          return
        }
        waiting.push({ resolve, reject })
        worker.ref?.()
        const { buffer } = request
        worker.postMessage(request, buffer instanceof ArrayBuffer ? [buffer] : [])
      }),
    terminate() {
      worker.terminate()
      // A browser's worker ends without a word.
      fail(new Error('the worker thread was ended'))
    },
  }
}

function start({ reply, fail }: Handlers): RawWorker {
  const node = globalThis.process?.getBuiltinModule?.('node:worker_threads')
  if (node) {
    // Without the parent's flags: a loader given there would be loaded by every thread.
    const worker = new node.Worker(WORKER_SOURCE, { eval: true, execArgv: [], name: 'stochseg' })
    worker.on('message', reply)
    worker.on('error', fail)
    worker.on('exit', (code) => fail(new Error(`the worker thread stopped with exit code ${code}`)))
    return worker
  }
  const url = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: 'text/javascript' }))
  const worker = new Worker(url, { name: 'stochseg' })
  worker.onmessage = ({ data }) => {
    URL.revokeObjectURL(url)
    reply(data)
  }
  worker.onerror = (event) => fail(new Error(event.message || 'the worker could not be started'))
  return worker
}
