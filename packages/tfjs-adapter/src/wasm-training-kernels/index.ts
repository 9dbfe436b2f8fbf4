// The repaired kernels of TF.js' wasm backend by themselves: the entry point @stochseg/tfjs-adapter/wasm-training-kernels.
import { type BackendOptions, openBackend } from '../backend'

/**
 * Loads TF.js' wasm backend, makes it the current one, and replaces its kernels that training needs and that are missing, wrong
 * or slow. Gives a description for the log, e.g. `tfjs wasm (SIMD, 2 threads)`; calling it again changes nothing.
 *
 * Throws `RuntimeUnavailableError` where TF.js or the backend is missing.
 */
export async function installWasmTrainingKernels(
  options: Pick<BackendOptions, 'wasmPath' | 'threads'> = {},
): Promise<string> {
  const { description } = await openBackend({ ...options, backend: 'wasm' })
  return description
}
