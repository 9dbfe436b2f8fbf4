// Copies that are none: TF.js' wasm backend copies the values of every tensor that a backward pass keeps. A second reference
// does as well, since no kernel writes to a tensor that there is; it halves the memory of a training step.
import * as tf from '@tensorflow/tfjs-core'
import type { WasmBackend } from './native'

export const identity: tf.KernelConfig = {
  kernelName: tf.Identity,
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend }) => {
    const x = inputs.x!
    ;(backend as WasmBackend).incRef(x.dataId)
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype }
  },
}
