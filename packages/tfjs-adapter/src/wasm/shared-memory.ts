// Memory that threads share, for WebAssembly binaries that were built without it.
//
// One byte of a binary says whether its memory has a maximum (1) and is shared (2). Code for memory of its own runs on shared
// memory as it is, as long as no two threads write the same place: TF.js' single-threaded build on the main thread, and
// kernels that divide their outputs.

const IMPORTS = 2
const MEMORIES = 5
const MEMORY_IMPORT = 2
const MAXIMUM = 1
const SHARED = 2

/** The same binary with its memory shared: its own, or the first thing that it imports. The memory must have a maximum. */
export function withSharedMemory(binary: Uint8Array): Uint8Array<ArrayBuffer> {
  const shared = Uint8Array.from(binary)
  const flags = memoryFlags(binary)
  if (flags === undefined || binary[flags] !== MAXIMUM) {
    throw new Error('a WebAssembly binary without a memory of limited size')
  }
  shared[flags] = MAXIMUM | SHARED
  return shared
}

function memoryFlags(binary: Uint8Array): number | undefined {
  const afterNumber = (at: number): number => numberAt(binary, at).end
  const afterName = (at: number): number => numberAt(binary, at).value + afterNumber(at)
  for (let at = 8; at < binary.length; ) {
    const { value: length, end: content } = numberAt(binary, at + 1)
    const first = afterNumber(content)
    if (binary[at] === MEMORIES) return first
    if (binary[at] === IMPORTS) {
      const kind = afterName(afterName(first))
      if (binary[kind] === MEMORY_IMPORT) return kind + 1
    }
    at = content + length
  }
  return undefined
}

/** An unsigned integer in LEB128, and where it ends. */
function numberAt(binary: Uint8Array, start: number): { readonly value: number; readonly end: number } {
  let value = 0
  for (let at = start, shift = 0; ; at++, shift += 7) {
    value += (binary[at]! & 127) * 2 ** shift
    if (binary[at]! < 128) return { value, end: at + 1 }
  }
}
