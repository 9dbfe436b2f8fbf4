// Threads that share the memory of TF.js' backend with the main thread and do their part of each kernel.
import { node } from '../node'
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

/** What does the work. */
export interface Threads {
  readonly divide: Divide
  /**
   * How many threads take part, the calling one included, once each has started or failed to. A browser starts none while the
   * calling thread is at work: wait for it before.
   */
  readonly started: Promise<number>
}

/** All shares on the calling thread. */
export function alone(kernels: Readonly<Record<string, unknown>>): Threads {
  const divide: Divide = (kernel, { shares }, ...pointers) =>
    (kernels[kernel] as DividedKernel)(0, shares, 0, ...pointers)
  return { divide, started: Promise.resolve(1) }
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
): Threads {
  const names = Object.keys(exported)
  const functions = names.map((name) => exported[name] as DividedKernel)
  const control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT))
  const starts = Array.from({ length: count - 1 }, (_, index) =>
    startThread({ ...start, control, kernels: names, thread: index + 1 }),
  )
  const started = Promise.allSettled(starts).then(
    (results) => 1 + results.filter(({ status }) => status === 'fulfilled').length,
  )
  const maySleep = mayWait()
  const byItself = alone(exported)
  const divide: Divide = (kernel, amount, ...pointers) => {
    const { shares, operations } = amount
    if (operations < WORTH_WAKING) {
      byItself.divide(kernel, amount, ...pointers)
      return
    }
    const call = { kernel: names.indexOf(kernel), shares, chunks: CHUNKS_PER_THREAD * count }
    announce(control, call, pointers)
    work(control, functions, 0)
    finish(control, maySleep)
  }
  return { divide, started }
}

/** Whether the calling thread may sleep: only a page's main thread may not. */
export function mayWait(): boolean {
  try {
    // 0 is not 1, so that there is nothing to wait for.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1)
    return true
  } catch {
    return false
  }
}

/** Resolves once the thread runs, by its first message; rejects where it does not start. */
async function startThread(start: ThreadStart): Promise<void> {
  if (node) {
    const { Worker } = node('node:worker_threads')
    const options = { eval: true, execArgv: [], workerData: start, name: 'stochseg-kernels' }
    const worker = new Worker(THREAD_SOURCE, options)
    try {
      await new Promise((resolve, reject) => {
        worker.once('message', resolve).once('error', reject).once('exit', reject)
      })
    } finally {
      worker.unref()
    }
    return
  }
  const url = URL.createObjectURL(new Blob([THREAD_SOURCE], { type: 'text/javascript' }))
  try {
    const worker = new Worker(url, { name: 'stochseg-kernels' })
    await new Promise((resolve, reject) => {
      worker.onmessage = resolve
      worker.onerror = reject
      worker.postMessage(start)
    })
  } finally {
    URL.revokeObjectURL(url)
  }
}
