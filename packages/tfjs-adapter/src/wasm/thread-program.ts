// A worker thread's whole program, embedded as a string (scripts/embed-kernels.mjs): it says that it runs, waits for calls and
// does its part.
import { type DividedKernel, nextCall, work } from './shares'

/** What a thread is started with. */
export interface ThreadStart {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  readonly control: Int32Array
  readonly kernels: readonly string[]
  readonly thread: number
}

function begin({ module, memory, control, kernels, thread }: ThreadStart, sayStarted: () => void): void {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  const functions = kernels.map((name) => exports[name] as DividedKernel)
  sayStarted()
  for (let call = 0; ; ) {
    call = nextCall(control, call)
    work(control, functions, thread)
  }
}

const node = globalThis.process?.getBuiltinModule?.('node:worker_threads')
if (node?.workerData) begin(node.workerData as ThreadStart, () => node.parentPort?.postMessage('started'))
else globalThis.onmessage = ({ data }: MessageEvent<ThreadStart>) => begin(data, () => postMessage('started'))
