// A thread of Node's that ends while ONNX Runtime works in it takes the whole process down with it (its binding throws where
// nobody catches). So a process that ends waits for the work in hand, and threads begin nothing new.

/** Two words that a worker shares with the thread that started it. */
export type ExitFlags = Int32Array<SharedArrayBuffer>

const BUSY = 0
const CLOSING = 1

const open = new Set<ExitFlags>()
let listening = false

/** Flags for a new thread of Node's. Hold them until {@link closed}. */
export function exitFlags(): ExitFlags {
  const flags = new Int32Array(new SharedArrayBuffer(8))
  open.add(flags)
  if (!listening) globalThis.process.on('exit', () => open.forEach(awaitWork))
  listening = true
  return flags
}

/** To be called once the thread has ended. */
export function closed(flags: ExitFlags): void {
  open.delete(flags)
}

/** Does the worker's work, unless the process is ending. */
export async function busily<T>(flags: ExitFlags, work: () => Promise<T>): Promise<T> {
  Atomics.store(flags, BUSY, 1)
  try {
    if (Atomics.load(flags, CLOSING) === 1) throw new Error('the process is ending')
    return await work()
  } finally {
    Atomics.store(flags, BUSY, 0)
    Atomics.notify(flags, BUSY)
  }
}

function awaitWork(flags: ExitFlags): void {
  Atomics.store(flags, CLOSING, 1)
  Atomics.wait(flags, BUSY, 1)
}
