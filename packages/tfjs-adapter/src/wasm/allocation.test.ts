import { OutOfMemoryError } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { openBackend } from '../backend'
import { batchNormalisation } from '../operations/batch-normalisation'
import { dropout } from '../operations/dropout'
import { linearUpsample } from '../operations/linear-upsample'
import { nearestUpsample } from '../operations/nearest-upsample'
import { prelu, rectifier } from '../operations/rectifiers'
import { variableGradients } from '../operations/variable-gradients'
import { refuseWithoutRoom } from './allocation'
import type { WasmBackend } from './native'

const KIB = 2 ** 10
let backend: WasmBackend

/** Takes what room there is, in pieces from 1 GiB down to the size given, and gives their places. Nothing is written to them. */
function fill(smallest: number): number[] {
  const pieces: number[] = []
  for (let bytes = 2 ** 30; bytes >= smallest; bytes /= 2) {
    try {
      for (;;) pieces.push(backend.wasm._malloc(bytes))
    } catch {}
  }
  return pieces
}

beforeAll(async () => {
  await openBackend({ backend: 'wasm' })
  backend = tf.backend() as WasmBackend
})

const random = (...shape: number[]): tf.Tensor => tf.randomNormal(shape, 0, 1, 'float32', 1)

/** Operations whose arrays have some 100 KiB, with what they read. */
const operations: Record<string, [(...inputs: never[]) => tf.Tensor, ...tf.Tensor[]]> = {}
beforeAll(() => {
  const image = random(1, 40, 40, 16)
  const volume = random(1, 12, 12, 12, 16)
  Object.assign(operations, {
    '3×3 convolution': [
      (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.conv2d(x, filter, 1, 'same'),
      image,
      random(3, 3, 16, 16),
    ],
    '1×1 convolution': [
      (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.conv2d(x, filter, 1, 'same'),
      image,
      random(1, 1, 16, 16),
    ],
    '5×5 convolution': [
      (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.conv2d(x, filter, 1, 'same'),
      image,
      random(5, 5, 16, 16),
    ],
    'strided convolution': [
      (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.conv2d(x, filter, 2, 'same'),
      image,
      random(3, 3, 16, 16),
    ],
    'convolution of volumes': [
      (x: tf.Tensor5D, filter: tf.Tensor5D) => tf.conv3d(x, filter, 1, 'same'),
      volume,
      random(2, 2, 2, 16, 8),
    ],
    'dilated convolution of volumes': [
      (x: tf.Tensor5D, filter: tf.Tensor5D) => tf.conv3d(x, filter, 1, 'same', 'NDHWC', 2),
      volume,
      random(3, 3, 3, 16, 8),
    ],
    'max pool of volumes': [(x: tf.Tensor5D) => tf.maxPool3d(x, 3, 2, 'same'), volume],
    'batch normalisation': [
      (x: tf.Tensor, scale: tf.Tensor1D, bias: tf.Tensor1D) =>
        batchNormalisation(x, scale, bias, 1e-3, () => {}),
      image,
      random(16),
      random(16),
    ],
    PReLU: [prelu, image, random(1)],
    'leaky ReLU': [(x: tf.Tensor) => rectifier(x, 0.1), image],
    dropout: [(x: tf.Tensor) => dropout(x, { rate: 0.5, key: 'key' }), image],
    'linear up-sampling': [(x: tf.Tensor) => linearUpsample(x, [2, 2]), image],
    'nearest up-sampling': [(x: tf.Tensor) => nearestUpsample(x, [2, 2]), image],
    'parts of channels': [(x: tf.Tensor) => tf.concat(tf.split(x, 4, -1).reverse(), -1), image],
    'sum along the last axis, a transposition first': [(x: tf.Tensor) => tf.sum(x, 1), image],
  })
})

describe('where there is no more room', () => {
  it('no tensor is made', () => {
    const before = tf.memory()
    expect(() => tf.fill([2 ** 30 + 4], 0)).toThrow(/no room for another 4096.0 MiB.*smaller batch/)
    const all = fill(64 * KIB)
    expect(() => tf.fill([64 * KIB], 1)).toThrow(/no room for another 0.3 MiB.*smaller batch/)
    for (const piece of all) backend.wasm._free(piece)
    expect(tf.memory()).toEqual(before)
  })

  it('a place that reaches beyond the memory is given back', () => {
    const free = vi.fn()
    const wasm = { _malloc: (bytes: number) => 1000 + bytes, _free: free, HEAPU8: new Uint8Array(3000) }
    refuseWithoutRoom({ wasm, makeOutput: vi.fn() } as unknown as WasmBackend)
    free.mockClear()
    expect(wasm._malloc(1000)).toBe(2000)
    expect(() => wasm._malloc(1001)).toThrow(/no room/)
    expect(free.mock.calls).toEqual([[2001]])
  })

  it('operations throw, leave nothing behind, and go on as before once there is', () => {
    for (const [name, [operation, ...inputs]] of Object.entries(operations)) {
      const variables = inputs.map((tensor) => tf.variable(tensor))
      const step = (): number[][] => {
        const { value, grads } = variableGradients(
          () => tf.sum(tf.square(operation(...(variables as never[])))),
          variables,
        )
        const tensors = [value, ...Object.values(grads)]
        const values = tensors.map((tensor) => [...tensor.dataSync()])
        tf.dispose(tensors)
        return values
      }
      const expected = step()
      const before = [tf.memory(), backend.numDataIds()]
      const pieces = fill(16 * KIB)
      let failures = 0
      let found: number[][] | undefined
      // A little more room each time, until it is enough.
      while (!found) {
        try {
          found = step()
        } catch (error) {
          failures++
          expect(error).toBeInstanceOf(OutOfMemoryError)
          expect(String(error)).toMatch(/no room/)
          expect([tf.memory(), backend.numDataIds()], name).toEqual(before)
          for (const piece of pieces.splice(-3)) backend.wasm._free(piece)
        }
      }
      expect(failures, name).toBeGreaterThan(1)
      expect(found, name).toEqual(expected)
      for (const piece of pieces) backend.wasm._free(piece)
      tf.dispose(variables)
    }
  })
})
