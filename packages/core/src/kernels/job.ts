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
export function runJob(job: Job): void {
  const kernels = localKernels()
  const block = kernelBlock(job)
  if (kernels === undefined || block === undefined) {
    job.plain()
    return
  }
  const memory = kernels.memory(block.bytes)
  block.pack(memory, kernels.heap, kernels.heap)
  kernels.run(block.kernel)
  job.collect(memory, kernels.heap + block.output)
}

/** Blocks beyond this size, which take millions of samples at once, might not fit into WASM's 4 GiB. */
const LARGEST_BLOCK = 2 ** 30

/** The block that a kernel may work on. */
export function kernelBlock({ block }: Job): Block | undefined {
  return block !== undefined && block.bytes <= LARGEST_BLOCK ? block : undefined
}
