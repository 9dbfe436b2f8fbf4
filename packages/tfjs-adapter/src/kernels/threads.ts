// Threads that share the memory of TF.js' backend with the main thread and do their part of each kernel.
import { announce, CONTROL_WORDS, type DividedKernel, finish, work } from './shares'
import type { ThreadStart } from './thread-program'
import { THREAD_SOURCE } from './thread-source.generated'

/** Chunks for each thread: enough that one which is held up does not hold up the others. */
const CHUNKS_PER_THREAD = 8

/** Operations (some 50 µs) below which the other threads are not woken. */
const WORTH_WAKING = 1_000_000

/** How much there is to do: shares, and roughly how many multiply-adds or values they come to. */
export interface Work {
  readonly shares: number
  readonly operations: number
}

/** Calls a kernel: all its shares, on as many threads as have time. Returns when they are done. */
export type Divide = (kernel: string, work: Work, ...pointers: number[]) => void

/** All shares on the calling thread. */
export function alone(kernels: Readonly<Record<string, unknown>>): Divide {
  return (kernel, { shares }, ...pointers) => (kernels[kernel] as DividedKernel)(0, shares, 0, ...pointers)
}

/**
 * Shares on `count` threads, the calling one included.
 *
 * A thread that does not start (a page's policy may forbid it) is not missed: the others do its part. Idle threads sleep, and
 * do not keep a process alive.
 */
export function together(
  count: number,
  start: Pick<ThreadStart, 'module' | 'memory'>,
  exported: Readonly<Record<string, unknown>>,
): Divide {
  const names = Object.keys(exported)
  const functions = names.map((name) => exported[name] as DividedKernel)
  const control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT))
  for (let thread = 1; thread < count; thread++) startThread({ ...start, control, kernels: names, thread })
  const maySleep = globalThis.process?.versions?.node !== undefined
  const byItself = alone(exported)
  return (kernel, amount, ...pointers) => {
    const { shares, operations } = amount
    if (operations < WORTH_WAKING) {
      byItself(kernel, amount, ...pointers)
      return
    }
    const call = { kernel: names.indexOf(kernel), shares, chunks: CHUNKS_PER_THREAD * count }
    announce(control, call, pointers)
    work(control, functions, 0)
    finish(control, maySleep)
  }
}

function startThread(start: ThreadStart): void {
  const node = globalThis.process?.getBuiltinModule?.('node:worker_threads')
  if (node) {
    const options = { eval: true, execArgv: [], workerData: start, name: 'stochseg-kernels' }
    new node.Worker(THREAD_SOURCE, options).unref()
    return
  }
  const url = URL.createObjectURL(new Blob([THREAD_SOURCE], { type: 'text/javascript' }))
  new Worker(url, { name: 'stochseg-kernels' }).postMessage(start)
}
