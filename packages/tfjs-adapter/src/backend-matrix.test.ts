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

  it('says how far it is, and stops with the reason of a signal', async () => {
    const controller = new AbortController()
    const seen: number[] = []
    const stopped = backendMatrix({
      backend: 'cpu',
      signal: controller.signal,
      onProgress: (done, total) => {
        seen.push(done)
        if (done === 2) setTimeout(() => controller.abort('enough'))
        expect(total).toBeGreaterThan(50)
      },
    })
    await expect(stopped).rejects.toBe('enough')
    expect(seen.slice(0, 2)).toEqual([1, 2])
    expect(seen.length).toBeLessThan(5)
  })

  it('names the operation whose forward pass or gradient is wrong', async () => {
    await tf.setBackend('cpu')
    const right = tf.getKernel(tf.Tanh, 'cpu')!
    tf.unregisterKernel(tf.Tanh, 'cpu')
    tf.registerKernel({ ...right, kernelFunc: (args) => tf.clone(args.inputs.x as tf.Tensor) })
    expect(await faults('cpu')).toEqual(['tanh, 2D', 'tanh, 3D'])
    const report = (await backendMatrix({ backend: 'cpu' })).find(({ operation }) => operation === 'tanh, 2D')
    expect(report).toMatchObject({
      forward: { fault: expect.stringMatching(/^off by .* of its largest value$/) },
      gradient: { fault: expect.stringMatching(/^\S+ instead of \S+ along a direction of argument 0$/) },
    })
    tf.unregisterKernel(tf.Tanh, 'cpu')
    tf.registerKernel(right)
  })
})
