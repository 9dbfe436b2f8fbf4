// TF.js' own WebAssembly binary, read here so that its memory can be one that threads share. In Node TF.js keeps to one thread. In
// browsers it has another build, with eight workers of its own; with this one a run is the same everywhere, and has the threads
// that were asked for.
import { RuntimeUnavailableError } from '@stochseg/core'
import { node } from '../node'
import { withSharedMemory } from './shared-memory'

/** The binaries that TF.js chooses among; one takes the place of all. */
const BINARIES = [
  'tfjs-backend-wasm.wasm',
  'tfjs-backend-wasm-simd.wasm',
  'tfjs-backend-wasm-threaded-simd.wasm',
] as const

/** Whether threads can share 4 GiB of memory here: in a browser only on pages that are cross-origin isolated. */
export function canShareMemory(): boolean {
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true })
    return memory.buffer instanceof SharedArrayBuffer
  } catch {
    return false
  }
}

/**
 * Paths for TF.js' `setWasmPaths`: the binary in `folder`, a path or URL, as an object URL.
 *
 * @throws RuntimeUnavailableError where there is none, or the page's policy keeps TF.js from reading it.
 */
export async function wasmPaths(
  folder: string,
  { simd, shared }: { readonly simd: boolean; readonly shared: boolean },
): Promise<Record<string, string>> {
  const binary = await readBinary(`${folder}${folder.endsWith('/') ? '' : '/'}${BINARIES[simd ? 1 : 0]}`)
  const content = shared ? withSharedMemory(binary) : binary
  const url = URL.createObjectURL(new Blob([content], { type: 'application/wasm' }))
  // TF.js would wait forever for what it cannot read.
  await fetch(url).catch((cause: unknown) => {
    throw new RuntimeUnavailableError("TF.js backend 'wasm'", {
      found: "a page that may not read object URLs ('blob:')",
      expected: "a policy that lets TF.js' binary be read, and threads start, from them",
      remedy: "Allow 'blob:' in the page's Content-Security-Policy, in connect-src and worker-src",
      cause,
    })
  })
  return Object.fromEntries(BINARIES.map((name) => [name, url]))
}

/** What to do where TF.js' binaries are not found. */
export const PROVIDE_BINARIES: string = node
  ? "Give as wasmPath a folder or URL that has the .wasm files of @tensorflow/tfjs-backend-wasm's folder dist; without wasmPath they are the installed package's: install that again where it lacks them"
  : "Serve the .wasm files of @tensorflow/tfjs-backend-wasm's folder dist, and give that folder's URL: wasmPath: '/tfjs-wasm/'"

async function readBinary(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const bytes = new Uint8Array(await contentOf(path))
    if (WebAssembly.validate(bytes)) return bytes
    throw new Error('no WebAssembly')
  } catch (cause) {
    throw new RuntimeUnavailableError("binary of TF.js backend 'wasm'", {
      found: `none at '${path}' (${cause instanceof Error ? cause.message : String(cause)})`,
      expected: 'that of @tensorflow/tfjs-backend-wasm',
      remedy: PROVIDE_BINARIES,
      cause,
    })
  }
}

async function contentOf(path: string): Promise<ArrayBuffer | Uint8Array<ArrayBuffer>> {
  if (node && !/^https?:/.test(path)) {
    return node('node:fs').promises.readFile(path.startsWith('file:') ? new URL(path) : path)
  }
  const response = await fetch(path)
  if (!response.ok) throw new Error(`HTTP status ${response.status}`)
  return response.arrayBuffer()
}
