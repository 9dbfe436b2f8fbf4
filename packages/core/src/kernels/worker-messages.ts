// What passes between the pool and its workers.
import type { KernelName } from './kernel-instance'

/** One block to work on. `buffer` holds its input, and takes its output. */
export interface WorkerRequest {
  readonly module: WebAssembly.Module
  readonly kernel: KernelName
  readonly buffer: ArrayBufferLike
  readonly inputBytes: number
  readonly output: number
  readonly outputBytes: number
  readonly bytes: number
}

/** The same buffer, with the output in it. */
export interface WorkerReply {
  readonly buffer: ArrayBufferLike
}
