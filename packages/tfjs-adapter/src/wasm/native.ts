// Our own WASM kernels (assembly/) over the memory of TF.js' wasm backend: they read and write its tensors in place.
import type { DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core'
import { type KernelBuild, kernelBuild } from './kernel-build'
import { withSharedMemory } from './shared-memory'
import { threadCount } from './thread-count'
import { alone, type Threads, together } from './threads'

/** The parts of TF.js' wasm backend that kernels work with. */
export interface WasmBackend extends KernelBackend {
  readonly wasm: {
    readonly HEAPU8: Uint8Array
    readonly asm?: { readonly memory?: WebAssembly.Memory }
    /** Where the memory is not the module's own but given to it. */
    readonly wasmMemory?: WebAssembly.Memory
    _malloc(bytes: number): number
    _free(offset: number): void
  }
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } }
  makeOutput(shape: readonly number[], dtype: DataType, memoryOffset?: number): TensorInfo
}

/** The functions of assembly/; pointers are byte offsets. Those with shares are called through `divide`. */
export interface NativeKernels extends Threads, Pick<KernelBuild, 'feature'> {
  /** Threads that `divide` may use: scratch of a divided kernel is needed once for each. */
  readonly threads: number
  filterGradient(
    input: number,
    dy: number,
    gradient: number,
    panels: number,
    batch: number,
    outputZ: number,
    outputY: number,
    outputX: number,
    inputs: number,
    kernelZ: number,
    kernelY: number,
    kernelX: number,
  ): void
  transpose(source: number, target: number, rows: number, columns: number): void
  packPanels(source: number, target: number, rows: number, columns: number): void
  unpackPanels(source: number, target: number, rows: number, columns: number): void
  copyColumns(source: number, target: number, rows: number, sourceColumns: number, columns: number): void
  interpolate: Interpolate
  interpolateTransposed: Interpolate
  winogradFilterBytes(sizes: number): number
  winogradShares(sizes: number): number
  winogradScratchBytes(sizes: number): number
  winogradGradientBytes(sizes: number): number
  winogradTileBytes(sizes: number): number
}

type Interpolate = (
  source: number,
  target: number,
  outer: number,
  size: number,
  factor: number,
  inner: number,
) => void

const instances = new WeakMap<WebAssembly.Memory, NativeKernels>()
let warned = false

/**
 * The kernels bound to a backend's memory, on all cores where it is shared; undefined, said aloud once, where they cannot run.
 * Compositions of TF.js' own operations then take over.
 */
export function nativeKernels(backend: WasmBackend): NativeKernels | undefined {
  const memory = backend.wasm.asm?.memory ?? backend.wasm.wasmMemory
  if (!memory) return unavailable("the memory of TF.js' backend is out of reach")
  const known = instances.get(memory)
  if (known) return known
  const build = kernelBuild()
  if (!build) return unavailable('no WebAssembly SIMD here')
  const shared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer
  const module = new WebAssembly.Module(shared ? withSharedMemory(build.binary) : build.binary)
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  const threads = shared ? threadCount() : 1
  const work = threads > 1 ? together(threads, { module, memory }, exports) : alone(exports)
  const kernels = { ...(exports as object), feature: build.feature, threads, ...work } as NativeKernels
  instances.set(memory, kernels)
  return kernels
}

function unavailable(cause: string): undefined {
  if (!warned) console.warn(`stochseg: ${cause}; training goes on with slower kernels.`)
  warned = true
}

/** Where a tensor's values begin in the backend's memory. */
export function pointer(backend: WasmBackend, tensor: TensorInfo): number {
  return backend.dataIdMap.get(tensor.dataId).memoryOffset
}

/** Arrays of so many values each, for the time of a call in a kernel. */
export function withScratch(
  backend: WasmBackend,
  lengths: readonly number[],
  use: (pointers: number[]) => void,
): void {
  const arrays = lengths.map((length) => backend.makeOutput([length], 'float32'))
  use(arrays.map((array) => pointer(backend, array)))
  for (const array of arrays) backend.disposeData(array.dataId)
}
