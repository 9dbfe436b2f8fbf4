import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { openBackend } from './backend'
import { backendMatrix } from './index'

beforeAll(() => openBackend({ threads: 2 }))

const faults = async (backend: string): Promise<string[]> =>
  (await backendMatrix({ backend }))
    .filter(({ forward, gradient }) => forward !== 'right' || gradient !== 'right')
    .map(({ operation }) => operation)

describe('backendMatrix', () => {
  it.each(['wasm', 'cpu'])('finds every operation right on %s', async (backend) => {
    const tensors = tf.memory().numTensors
    expect(await faults(backend)).toEqual([])
    expect(tf.memory().numTensors).toBe(tensors)
  })

  it('names the operation whose forward pass or gradient is wrong', async () => {
    await tf.setBackend('cpu')
    const right = tf.getKernel(tf.Tanh, 'cpu')!
    tf.unregisterKernel(tf.Tanh, 'cpu')
    tf.registerKernel({ ...right, kernelFunc: (args) => tf.clone(args.inputs.x as tf.Tensor) })
    expect(await faults('cpu')).toEqual(['tanh, 2D', 'tanh, 3D'])
    tf.unregisterKernel(tf.Tanh, 'cpu')
    tf.registerKernel(right)
  })
})
