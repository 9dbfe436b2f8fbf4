// Batch normalisation as kernels of the wasm backend; operations/normalisation.ts calls them.
import type * as tf from '@tensorflow/tfjs-core'
import {
  composedNormalise,
  composedNormaliseGradient,
  NORMALISATION,
  NORMALISATION_GRADIENT,
  type NormalisationInputs,
} from '../operations/normalisation'
import { columnSums, SHARE_ROWS, sharesSummed } from './column-sums'
import { nativeKernels, pointer, type WasmBackend, withScratch } from './native'

export const normalisation: tf.KernelConfig[] = [
  {
    kernelName: NORMALISATION,
    backendName: 'wasm',
    kernelFunc: (args) => {
      const { x, scale, bias } = args.inputs as unknown as NormalisationInputs
      const { epsilon } = args.attrs as { epsilon: number }
      const backend = args.backend as WasmBackend
      const native = nativeKernels(backend)
      if (!native) return composedNormalise(x, scale, bias, epsilon)
      const at = (tensor: tf.TensorInfo): number => pointer(backend, tensor)
      const columns = scale.size
      const rows = x.size / columns
      const y = backend.makeOutput(x.shape, 'float32')
      const mean = backend.makeOutput(scale.shape, 'float32')
      const variance = backend.makeOutput(scale.shape, 'float32')
      const values = (tensor: tf.TensorInfo): Float32Array => heapAt(backend, at(tensor), columns)

      // Sums first: they may make the memory grow, and a view of it then ends.
      const sums = columnSums(native, backend, x, columns)
      values(mean).set(sums.map((sum) => sum / rows))
      const squares = sharesSummed(native, backend, rows, columns, 'columnProducts', (sums) => [
        at(x),
        at(x),
        at(mean),
        at(mean),
        sums,
      ])
      values(variance).set(squares.map((sum) => sum / rows))
      const [means, variances, scales, biases] = [mean, variance, scale, bias].map(values)
      const slopes = scales!.map((factor, c) => factor / Math.sqrt(variances![c]! + epsilon))
      const shifts = biases!.map((shift, c) => shift - slopes[c]! * means![c]!)
      withScratch(backend, [2 * columns], ([coefficients]) => {
        heapAt(backend, coefficients!, 2 * columns).set([...slopes, ...shifts])
        const work = { shares: Math.ceil(rows / SHARE_ROWS), operations: x.size }
        native.divide('scaleColumns', work, at(x), 0, coefficients!, at(y), rows, columns)
      })
      return [y, mean, variance]
    },
  },
  {
    kernelName: NORMALISATION_GRADIENT,
    backendName: 'wasm',
    // dx = scale/σ · (dy − Σdy/rows − x̂ · Σ(dy·x̂)/rows), dScale = Σ(dy·x̂), dBias = Σdy with x̂ = (x − mean)/σ.
    kernelFunc: (args) => {
      const { dy, x, scale, mean, variance } = args.inputs as unknown as NormalisationInputs
      const { epsilon } = args.attrs as { epsilon: number }
      const backend = args.backend as WasmBackend
      const native = nativeKernels(backend)
      if (!native) return composedNormaliseGradient(dy, x, scale, mean, variance, epsilon)
      const at = (tensor: tf.TensorInfo): number => pointer(backend, tensor)
      const columns = scale.size
      const rows = x.size / columns
      const dx = backend.makeOutput(x.shape, 'float32')
      const scaleGradient = backend.makeOutput(scale.shape, 'float32')
      const biasGradient = backend.makeOutput(scale.shape, 'float32')
      withScratch(backend, [3 * columns], ([coefficients]) => {
        // Of dy, no mean is taken off.
        heapAt(backend, coefficients!, columns).fill(0)
        const products = sharesSummed(native, backend, rows, columns, 'columnProducts', (sums) => [
          at(dy),
          at(x),
          coefficients!,
          at(mean),
          sums,
        ])
        const sums = columnSums(native, backend, dy, columns)
        const [means, variances, scales] = [mean, variance, scale].map((tensor) =>
          heapAt(backend, at(tensor), columns),
        )
        const inverses = Float64Array.from(variances!, (value) => 1 / Math.sqrt(value + epsilon))
        const ofDy = inverses.map((inverse, c) => scales![c]! * inverse)
        const ofX = inverses.map((inverse, c) => (-ofDy[c]! * inverse ** 2 * products[c]!) / rows)
        const shifts = ofX.map((factor, c) => (-ofDy[c]! * sums[c]!) / rows - factor * means![c]!)
        heapAt(backend, at(scaleGradient), columns).set(products.map((sum, c) => sum * inverses[c]!))
        heapAt(backend, at(biasGradient), columns).set(sums)
        heapAt(backend, coefficients!, 3 * columns).set([...ofDy, ...shifts, ...ofX])
        const work = { shares: Math.ceil(rows / SHARE_ROWS), operations: x.size }
        native.divide('scaleColumns', work, at(dy), at(x), coefficients!, at(dx), rows, columns)
      })
      return [dx, scaleGradient, biasGradient]
    },
  },
]

function heapAt(backend: WasmBackend, pointer: number, length: number): Float32Array {
  return new Float32Array(backend.wasm.HEAPU8.buffer, pointer, length)
}
