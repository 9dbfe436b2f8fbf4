// Memory of TF.js' wasm backend that runs out. TF.js does not look: its kernels then write to address 0, where its own data lies.
import { OutOfMemoryError } from '@stochseg/core'
import type * as tf from '@tensorflow/tfjs-core'
import type { WasmBackend } from './native'

const refusing = new WeakSet<WasmBackend>()

/** What each of the kernels that are at work, one inside the other, has made. */
const outputsOfKernels: object[][] = []

/** Makes the backend throw {@link OutOfMemoryError} where it finds no room for a tensor; again changes nothing. */
export function refuseWithoutRoom(backend: WasmBackend): void {
  if (refusing.has(backend)) return
  refusing.add(backend)
  const { wasm } = backend
  // The first call puts another function in the place of the one that was called.
  wasm._free(wasm._malloc(1))
  const allocate = wasm._malloc
  wasm._malloc = (bytes) => {
    const offset = allocate(bytes) >>> 0
    if (offset > 0 && offset + bytes <= wasm.HEAPU8.length) return offset
    // Sums beyond 32 bits pass for small ones: what it gives then reaches beyond the memory.
    wasm._free(offset)
    throw noRoom(bytes)
  }
  const makeOutput = backend.makeOutput.bind(backend)
  backend.makeOutput = (...what) => {
    const output = makeOutput(...what)
    outputsOfKernels.at(-1)?.push(output.dataId)
    return output
  }
}

/** The kernel, but where it throws, what it has made is given back: TF.js does not know of it yet. */
export function givingBack(kernel: tf.KernelConfig): tf.KernelConfig {
  return {
    ...kernel,
    kernelFunc: (args) => {
      const outputs: object[] = []
      outputsOfKernels.push(outputs)
      try {
        return kernel.kernelFunc(args)
      } catch (error) {
        for (const dataId of outputs) (args.backend as WasmBackend).disposeData(dataId, true)
        throw error
      } finally {
        outputsOfKernels.pop()
      }
    },
  }
}

function noRoom(bytes: number): OutOfMemoryError {
  return new OutOfMemoryError("memory of TF.js' wasm backend", {
    found: `no room for another ${(bytes / 2 ** 20).toFixed(1)} MiB`,
    expected: 'all tensors of a step within 4 GiB, the most that WebAssembly addresses',
    remedy: 'Take a smaller batch, smaller images or a narrower network',
  })
}
