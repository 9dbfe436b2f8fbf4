// Which build of our kernels (assembly/) runs here: the one with relaxed SIMD, where a product and a sum are one instruction, or
// the one for every engine that has SIMD.
import { RELAXED_SIMD_BASE64, SIMD_BASE64 } from './wasm-module.generated'

/** A build, and what it asks of the WebAssembly engine. */
export interface KernelBuild {
  readonly feature: 'relaxed SIMD' | 'SIMD'
  readonly binary: Uint8Array<ArrayBuffer>
}

/** The faster of the builds that run here; undefined without SIMD. */
export function kernelBuild(): KernelBuild | undefined {
  const builds = [
    ['relaxed SIMD', RELAXED_SIMD_BASE64],
    ['SIMD', SIMD_BASE64],
  ] as const
  for (const [feature, base64] of builds) {
    const binary = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
    if (WebAssembly.validate(binary)) return { feature, binary }
  }
  return undefined
}
