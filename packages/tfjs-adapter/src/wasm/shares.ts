// How threads divide a kernel's work: it is cut into chunks of shares, which any thread takes when it has time.
//
// All is said in one array of shared memory. A thread takes a chunk by moving the ticket (call and next chunk in one word) from
// what it has read, so that one which comes late cannot take a chunk of another call: the arguments that it has read are
// then those of the call, for they change only when all chunks of a call are done. All that the threads look at while others
// may write it goes through Atomics: processors other than x86 let plain writes overtake those of the ticket.

/** Places in the control array. */
const TICKET = 0
const CALL = 1
/** Chunks of the call that are done. */
export const DONE = 2
const FAILED = 3
const KERNEL = 4
const SHARES = 5
const CHUNKS = 6
const ARGUMENTS = 7

/** Words of a control array. */
export const CONTROL_WORDS = 32

/** Chunks of a call: a ticket's lower 12 bits. */
const MOST_CHUNKS = 4095
const CHUNK_BITS = 12

/** Turns of a loop (some 20 µs) before a thread sleeps, from which it takes 50 µs to wake. */
const SPINS = 10_000

/** A kernel that can be divided: shares `first … last − 1`, on thread `thread`. */
export type DividedKernel = (first: number, last: number, thread: number, ...pointers: number[]) => void

/** Puts a call before the other threads. All chunks of the call before must be done. */
export function announce(
  control: Int32Array,
  call: { readonly kernel: number; readonly shares: number; readonly chunks: number },
  pointers: readonly number[],
): void {
  const chunks = Math.min(call.shares, call.chunks, MOST_CHUNKS)
  const number = control[CALL]! + 1
  // A ticket with no chunk left, so that nobody takes one while the rest is written.
  Atomics.store(control, TICKET, (number << CHUNK_BITS) | MOST_CHUNKS)
  Atomics.store(control, DONE, 0)
  Atomics.store(control, KERNEL, call.kernel)
  Atomics.store(control, SHARES, call.shares)
  Atomics.store(control, CHUNKS, chunks)
  Atomics.store(control, ARGUMENTS, pointers.length)
  for (const [index, pointer] of pointers.entries()) Atomics.store(control, ARGUMENTS + 1 + index, pointer)
  Atomics.store(control, TICKET, number << CHUNK_BITS)
  Atomics.store(control, CALL, number)
  Atomics.notify(control, CALL)
}

/** Takes and does chunks of the present call until none is left. */
export function work(control: Int32Array, kernels: readonly DividedKernel[], thread: number): void {
  let ticket = Atomics.load(control, TICKET)
  const call = ticket >>> CHUNK_BITS
  const kernel = kernels[Atomics.load(control, KERNEL)]
  const shares = Atomics.load(control, SHARES)
  const chunks = Atomics.load(control, CHUNKS)
  const pointers = Array.from({ length: Atomics.load(control, ARGUMENTS) }, (_, index) =>
    Atomics.load(control, ARGUMENTS + 1 + index),
  )
  for (;;) {
    const chunk = ticket & MOST_CHUNKS
    if (ticket >>> CHUNK_BITS !== call || chunk >= chunks) return
    const found = Atomics.compareExchange(control, TICKET, ticket, ticket + 1)
    if (found !== ticket) {
      ticket = found
      continue
    }
    try {
      kernel!(
        Math.floor((shares * chunk) / chunks),
        Math.floor((shares * (chunk + 1)) / chunks),
        thread,
        ...pointers,
      )
    } catch {
      Atomics.store(control, FAILED, 1)
    }
    if (Atomics.add(control, DONE, 1) + 1 === chunks) Atomics.notify(control, DONE)
    ticket = Atomics.load(control, TICKET)
  }
}

/** Waits until the present call is done; throws where a thread failed. */
export function finish(control: Int32Array, maySleep: boolean): void {
  const chunks = control[CHUNKS]!
  for (let spin = 0; ; spin++) {
    const done = Atomics.load(control, DONE)
    if (done === chunks) break
    if (maySleep && spin > SPINS) Atomics.wait(control, DONE, done, 10)
  }
  if (Atomics.exchange(control, FAILED, 0) === 1) throw new Error('a kernel trapped on one of the threads')
}

/** Waits for a call after number `seen`, and gives its number. */
export function nextCall(control: Int32Array, seen: number): number {
  for (let spin = 0; ; spin++) {
    const number = Atomics.load(control, CALL)
    if (number !== seen) return number
    if (spin > SPINS) Atomics.wait(control, CALL, seen)
  }
}
