// Memory that threads share for TF.js' wasm backend in Node, where TF.js itself keeps to one thread: its own binary, told so.
import { withSharedMemory } from './shared-memory'

/** The binaries that TF.js chooses among; the one with SIMD takes the place of all. */
const BINARIES = [
  'tfjs-backend-wasm.wasm',
  'tfjs-backend-wasm-simd.wasm',
  'tfjs-backend-wasm-threaded-simd.wasm',
]

/** Whether threads can share 4 GiB of memory here. */
export function canShareMemory(): boolean {
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true })
    return memory.buffer instanceof SharedArrayBuffer
  } catch {
    return false
  }
}

/** Paths for TF.js' `setWasmPaths`: the binary in `folder` with shared memory, as an object URL. */
export async function sharedWasmPaths(folder: string): Promise<Record<string, string>> {
  const { readFile } = await import('node:fs/promises')
  const binary = withSharedMemory(await readFile(`${folder}${BINARIES[1]}`))
  const url = URL.createObjectURL(new Blob([binary], { type: 'application/wasm' }))
  return Object.fromEntries(BINARIES.map((name) => [name, url]))
}
