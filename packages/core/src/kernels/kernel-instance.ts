// An instance of the WASM kernels, on whichever thread it is made.

/** The kernels by name: each works on the block at its argument. */
export type KernelName =
  | 'factorNoise'
  | 'labelMaps'
  | 'logits'
  | 'logLikelihoods'
  | 'lossGradients'
  | 'marginals'
  | 'overlaps'

/** The kernels with a memory of their own. */
export interface KernelInstance {
  /** Address of the first byte that a block may use. */
  readonly heap: number
  /** The memory, with at least `bytes` from {@link heap} on. */
  memory(bytes: number): ArrayBuffer
  /** Runs a kernel on the block at {@link heap}; gives how much of its output it wrote, where that differs. */
  run(kernel: KernelName): number | undefined
}

const PAGE = 65536

/** Makes an instance. */
export function kernelInstance(module: WebAssembly.Module): KernelInstance {
  const { exports } = new WebAssembly.Instance(module)
  const memory = exports.memory as WebAssembly.Memory
  const heap = (exports.heap as WebAssembly.Global).value as number
  return {
    heap,
    memory(bytes) {
      const missing = heap + bytes - memory.buffer.byteLength
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE))
      return memory.buffer
    },
    run: (kernel) => (exports[kernel] as (block: number) => number | undefined)(heap),
  }
}
