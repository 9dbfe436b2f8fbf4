// The worker threads that async functions share: started on first use, sized, disposed.
import { wholeNumber } from '../whole-number'
import type { Block } from './block'
import { type WorkerThread, workerThread } from './worker-thread'

/** A place for one block at a worker. */
export interface Slot {
  /** Has a worker run the block, and gives the buffer in which its output begins at `block.output`. */
  run(module: WebAssembly.Module, block: Block, heap: number): Promise<ArrayBufferLike>
  /** To be called once the output has been read. */
  release(): void
}

/** Blocks that a worker has in hand: while it works on one, the next is filled. */
const DEPTH = 2

/** A fixed number of threads. */
export class WorkerPool {
  readonly #threads: readonly WorkerThread[]
  readonly #free: Slot[] = []
  readonly #waiting: ((slot: Slot) => void)[] = []

  constructor(count: number) {
    this.#threads = Array.from({ length: count }, workerThread)
    for (let depth = 0; depth < DEPTH; depth++) {
      for (const thread of this.#threads) this.#free.push(this.#slot(thread))
    }
  }

  /** A free slot, as soon as there is one. */
  slot(): Promise<Slot> {
    const free = this.#free.shift()
    return free ? Promise.resolve(free) : new Promise((resolve) => this.#waiting.push(resolve))
  }

  dispose(): void {
    for (const thread of this.#threads) thread.terminate()
  }

  #slot(thread: WorkerThread): Slot {
    let buffer: ArrayBufferLike = new ArrayBuffer(0)
    const slot: Slot = {
      run: async (module, { kernel, output, outputBytes, bytes, pack }, heap) => {
        if (buffer.byteLength < output + outputBytes) buffer = emptyBuffer(output + outputBytes)
        pack(buffer, 0, heap)
        const request = { module, kernel, buffer, inputBytes: output, output, outputBytes, bytes }
        buffer = (await thread.send(request)).buffer
        return buffer
      },
      release: () => {
        const next = this.#waiting.shift()
        if (next) next(slot)
        else this.#free.push(slot)
      },
    }
    return slot
  }
}

/** Shared where threads may share memory; otherwise buffers change hands. */
function emptyBuffer(bytes: number): ArrayBufferLike {
  const shared = typeof SharedArrayBuffer !== 'undefined' && globalThis.crossOriginIsolated !== false
  return shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes)
}

let pool: WorkerPool | undefined
let count: number | undefined

/** The pool; undefined where work is to be done on the calling thread. */
export function workerPool(): WorkerPool | undefined {
  count ??= cores()
  if (count === 0) return undefined
  try {
    pool ??= new WorkerPool(count)
  } catch (cause) {
    giveUpWorkers(pool, cause)
  }
  return pool
}

/**
 * Sets how many worker threads async functions use: by default as many as there are cores. With 0 they work on the calling
 * thread, in slices. Call it between computations: it ends the threads there are.
 *
 * @throws ValueError unless `workers` is a whole number from 0 to 1024.
 */
export function setWorkerCount(workers: number): void {
  count = wholeNumber('workers', workers, { most: 1024, remedy: 'Choose at most the number of cores' })
  disposeWorkers()
}

/** Ends the worker threads; the next async function starts new ones. Idle threads do not keep a process alive. */
export function disposeWorkers(): void {
  pool?.dispose()
  pool = undefined
}

/**
 * Ends a pool whose threads do not run: they may be forbidden, as by a page's content security policy. What they had in
 * hand, and all that follows, is then done on the calling thread. A pool disposed meanwhile fails without a word.
 */
export function giveUpWorkers(failed: WorkerPool | undefined, cause: unknown): undefined {
  if (failed !== pool) return
  console.warn(`stochseg: no worker threads here (${cause}); work goes on, on one core.`)
  setWorkerCount(0)
}

function cores(): number {
  const node = globalThis.process?.getBuiltinModule?.('node:os')
  return node ? node.availableParallelism() : (globalThis.navigator?.hardwareConcurrency ?? 1)
}
