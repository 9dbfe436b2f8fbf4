// Test support: convolutions of several tiles and parts of sums, and a shader of more workgroups than one axis holds.
import '@tensorflow/tfjs-backend-cpu'
import { standardNormals } from '@stochseg/core'
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import { elementwise } from '../webgpu/shader'

/** For each convolution, how far output and gradients are from TF.js' cpu backend, relative to the largest value. */
export async function convolutionFindings(): Promise<number[][]> {
  const image = normals([2, 31, 37, 5], 0)
  const volume = normals([2, 9, 10, 11, 5], 1)
  const flat = normals([3, 2, 5, 40], 2)
  const deep = normals([3, 2, 3, 5, 40], 3)
  return [
    await finding(image, flat, (x, filter) =>
      tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, [1, 2], 'same'),
    ),
    await finding(volume, deep, (x, filter) => tf.conv3d(x as tf.Tensor5D, filter as tf.Tensor5D, 1, 'same')),
    await finding(volume, deep, (x, filter) =>
      tf.conv3d(x as tf.Tensor5D, filter as tf.Tensor5D, [2, 1, 3], 'valid'),
    ),
  ]
}

/** Whether every one of five million values is where it belongs. */
export async function manyWorkgroups(): Promise<boolean> {
  const size = 5_000_000
  const output = elementwise(tf.backend() as WebGPUBackend, {}, [size], 'f32(index)')
  const tensor = tf.engine().makeTensorFromTensorInfo(output)
  const values = await tensor.data()
  tensor.dispose()
  return (values as Float32Array).every((value, index) => value === index)
}

interface Values {
  readonly shape: number[]
  readonly data: Float32Array
}

function normals(shape: number[], plane: number): Values {
  return { shape, data: standardNormals(tf.util.sizeFromShape(shape), { seed: 11, plane }) }
}

async function finding(
  x: Values,
  filter: Values,
  convolve: (x: tf.Tensor, filter: tf.Tensor) => tf.Tensor,
): Promise<number[]> {
  const onDevice = await outputs(x, filter, convolve)
  await tf.setBackend('cpu')
  const expected = await outputs(x, filter, convolve)
  await tf.setBackend('webgpu')
  return onDevice.map((values, index) => {
    const wanted = expected[index]!
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    return values.reduce((most, value, at) => Math.max(most, Math.abs(value - wanted[at]!)), 0) / largest
  })
}

/** The output, and the gradients of a weighted sum of it. */
async function outputs(
  x: Values,
  filter: Values,
  convolve: (x: tf.Tensor, filter: tf.Tensor) => tf.Tensor,
): Promise<Float32Array[]> {
  const results = tf.tidy(() => {
    const inputs = [x, filter].map(({ shape, data }) => tf.tensor(data, shape))
    const output = convolve(inputs[0]!, inputs[1]!)
    const slopes = normals(output.shape, 12)
    return [output, ...tf.grads(convolve as never)(inputs, tf.tensor(slopes.data, slopes.shape))]
  })
  const values = await Promise.all(results.map((tensor) => tensor.data()))
  tf.dispose(results)
  return values as Float32Array[]
}
