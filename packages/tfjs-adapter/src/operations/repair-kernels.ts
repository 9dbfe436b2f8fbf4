// Kernels of one of TF.js' backends, repaired in their place.
import * as tf from '@tensorflow/tfjs-core'

/** A kernel that does right what this one, the backend's own, does not. */
export type Repair = (stock: tf.KernelConfig) => tf.KernelConfig

const repaired = new WeakSet<tf.KernelConfig>()

/** Repairs kernels by their names; again changes nothing but what has been registered anew. */
export function repairKernels(backend: string, repairs: Readonly<Record<string, Repair>>): void {
  for (const [name, repair] of Object.entries(repairs)) {
    const stock = tf.getKernel(name, backend)
    if (repaired.has(stock)) continue
    const kernel = repair(stock)
    repaired.add(kernel)
    tf.unregisterKernel(name, backend)
    tf.registerKernel(kernel)
  }
}
