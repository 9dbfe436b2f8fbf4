// Jobs on worker threads, with progress and cancellation.
import type { Block } from './block'
import { type Job, kernelBlock, runJob } from './job'
import { kernelModule, localKernels } from './kernel-module'
import { giveUpWorkers, type Slot, type WorkerPool, workerPool } from './worker-pool'

/** What every async function takes in addition. */
export interface AsyncOptions {
  /** Stops the computation: it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Hears how many of how many pieces are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** Work of fewer milliseconds gains nothing from other threads: to wake them takes a part of one. */
const WORTH_SHARING = 2

/** Normals that a first job may draw on the calling thread: some three milliseconds' work, most often much less. */
const TRIAL_NORMALS = 2 ** 20

/** Runs jobs on all cores; `onProgress` hears of each. Rejects when `signal` is aborted or a job fails. */
export async function runJobsAsync(jobs: Iterable<Job>, { signal, onProgress }: AsyncOptions): Promise<void> {
  const running = new Set<Promise<void>>()
  let failure: { readonly cause: unknown } | undefined
  const started = performance.now()
  let rested = started
  let shared = false
  const pieces = [...jobs]
  let done = 0
  const onDone = (): void => onProgress?.(++done, pieces.length)
  for (const [index, job] of pieces.entries()) {
    signal?.throwIfAborted()
    const block = kernelBlock(job)
    // What the first jobs took tells what the others will.
    const expected = index === 0 ? 0 : ((performance.now() - started) * pieces.length) / index
    shared ||= expected > WORTH_SHARING || (block?.normals ?? 0) > TRIAL_NORMALS
    const pool = shared && block && kernelModule() ? workerPool() : undefined
    if (block === undefined || pool === undefined) {
      runJob(job)
      onDone()
      if (performance.now() - rested > 20) {
        await new Promise((resolve) => setTimeout(resolve))
        rested = performance.now()
      }
      continue
    }
    const run = atWorker(pool, await pool.slot(), job, block)
      .then(onDone)
      .catch((cause: unknown) => {
        failure = { cause }
      })
      .finally(() => running.delete(run))
    running.add(run)
    if (failure || signal?.aborted) break
  }
  await Promise.all(running)
  if (failure) throw failure.cause
  signal?.throwIfAborted()
}

async function atWorker(pool: WorkerPool, slot: Slot, job: Job, block: Block): Promise<void> {
  try {
    const buffer = await slot
      .run(kernelModule()!, block, localKernels()!.heap)
      .catch((cause: unknown) => giveUpWorkers(pool, cause))
    if (buffer) job.collect(buffer, block.output)
    else runJob(job)
  } finally {
    slot.release()
  }
}
