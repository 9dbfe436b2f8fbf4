// Our own WASM kernels (assembly/) over the memory of TF.js' wasm backend: they read and write its tensors in place.
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core'
import { WASM_BASE64 } from './wasm-module.generated'

/** The parts of TF.js' wasm backend that kernels work with. */
export interface WasmBackend extends KernelBackend {
  readonly wasm: { readonly asm?: { readonly memory?: WebAssembly.Memory } }
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } }
  makeOutput(shape: readonly number[], dtype: 'float32'): TensorInfo
}

/** The functions of assembly/; pointers are byte offsets. */
export interface NativeKernels {
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
  packPanels(source: number, target: number, rows: number, columns: number): void
  unpackPanels(source: number, target: number, rows: number, columns: number): void
  columnSums(source: number, target: number, rows: number, columns: number): void
  copyColumns(source: number, target: number, rows: number, sourceColumns: number, columns: number): void
  interpolate: Interpolate
  interpolateTransposed: Interpolate
  normalise(
    x: number,
    scale: number,
    bias: number,
    y: number,
    mean: number,
    variance: number,
    coefficients: number,
    rows: number,
    columns: number,
    epsilon: number,
  ): void
  normaliseGradient(
    dy: number,
    x: number,
    scale: number,
    mean: number,
    variance: number,
    dx: number,
    scaleGradient: number,
    biasGradient: number,
    coefficients: number,
    rows: number,
    columns: number,
    epsilon: number,
  ): void
  winogradScratchBytes(inputs: number, outputs: number): number
  winogradFilter(filter: number, target: number, scratch: number, inputs: number, outputs: number): void
  winogradConvolution(
    input: number,
    filter: number,
    bias: number,
    output: number,
    scratch: number,
    batch: number,
    height: number,
    width: number,
    inputs: number,
    outputs: number,
  ): void
  winogradFilterGradient(
    input: number,
    dy: number,
    gradient: number,
    transformed: number,
    scratch: number,
    batch: number,
    height: number,
    width: number,
    inputs: number,
    outputs: number,
  ): void
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
 * The kernels bound to a backend's memory; undefined, said aloud once, where they cannot run: without SIMD, or where
 * TF.js runs its multi-threaded build, whose memory is shared. Compositions of TF.js' own operations then take over.
 */
export function nativeKernels(backend: WasmBackend): NativeKernels | undefined {
  const memory = backend.wasm.asm?.memory
  if (!memory) return unavailable("the memory of TF.js' backend is out of reach")
  const known = instances.get(memory)
  if (known) return known
  if (typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer) {
    return unavailable(
      "TF.js runs its multi-threaded build; tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)",
    )
  }
  const bytes = Uint8Array.from(atob(WASM_BASE64), (character) => character.charCodeAt(0))
  if (!WebAssembly.validate(bytes)) return unavailable('no WebAssembly SIMD here')
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } })
  const kernels = instance.exports as unknown as NativeKernels
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

/** Arrays of so many values each, for the time of a call. */
export function withScratch(
  backend: WasmBackend,
  lengths: readonly number[],
  use: (pointers: number[]) => void,
): void {
  const arrays = lengths.map((length) => backend.makeOutput([length], 'float32'))
  use(arrays.map((array) => pointer(backend, array)))
  for (const array of arrays) backend.disposeData(array.dataId)
}
