// A job: a piece of a computation, over a run of an image's voxels. Where it is run changes nothing about its result.
import type { Block } from './block'
import { localKernels } from './kernel-module'

/** The same computation twice: as a WASM kernel, and in plain TypeScript, which is its twin and fallback. */
export interface Job {
  /** Absent where only plain TypeScript will do: explicit noise. */
  readonly block?: Block
  /** Takes the kernel's results from `buffer`, whose output begins at `start`. */
  collect(buffer: ArrayBufferLike, start: number): void
  plain(): void
}

/** Runs jobs on this thread. */
export function runJobs(jobs: Iterable<Job>): void {
  for (const job of jobs) runJob(job)
}

/** Runs a job on this thread. */
export function runJob({ block, collect, plain }: Job): void {
  const kernels = localKernels()
  if (kernels === undefined || block === undefined) {
    plain()
    return
  }
  const memory = kernels.memory(block.bytes)
  block.pack(memory, kernels.heap, kernels.heap)
  kernels.run(block.kernel)
  collect(memory, kernels.heap + block.output)
}
