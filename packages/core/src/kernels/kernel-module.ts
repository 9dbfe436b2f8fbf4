// The compiled kernels: embedded in the package, compiled once, on first use.
import { type KernelInstance, kernelInstance } from './kernel-instance'
import { WASM_BASE64 } from './wasm.generated'

let compiled: WebAssembly.Module | null | undefined
let local: KernelInstance | undefined

/** The compiled kernels, or undefined (said once on the console) where WebAssembly or its SIMD is missing. */
export function kernelModule(): WebAssembly.Module | undefined {
  if (compiled === undefined) {
    try {
      compiled = new WebAssembly.Module(Uint8Array.from(atob(WASM_BASE64), (byte) => byte.charCodeAt(0)))
    } catch (cause) {
      compiled = null
      console.warn(`stochseg: no WebAssembly SIMD here (${cause}); results are the same, but take longer.`)
    }
  }
  return compiled ?? undefined
}

/** This thread's kernels, or undefined where {@link kernelModule} is. */
export function localKernels(): KernelInstance | undefined {
  const module = kernelModule()
  if (module !== undefined) local ??= kernelInstance(module)
  return local
}
