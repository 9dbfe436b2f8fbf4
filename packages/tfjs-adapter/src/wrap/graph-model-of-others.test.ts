// A head on a graph model as TensorFlow exports DeepLab.
import { ModelError, standardNormals } from '@stochseg/core'
import { loadGraphModel } from '@tensorflow/tfjs-converter'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { deeplabGraph } from '../../../../scripts/graph-models'
import { createTfjsEngine, installWasmTrainingKernels, wrapFunction } from '../index'

beforeAll(() => installWasmTrainingKernels())

async function deeplab(size: number): Promise<(images: tf.Tensor) => tf.Tensor> {
  const artefacts = deeplabGraph({ size, classes: 3 })
  const graph = await loadGraphModel(tf.io.fromMemory(artefacts as tf.io.ModelArtifacts))
  // It takes bytes.
  return (images) => graph.execute(tf.cast(images, 'int32'), 'concat_projection') as tf.Tensor
}

const options = { channels: 3, features: 8, dimensions: 2, classes: 2, rank: 3 } as const

describe('wrapFunction', () => {
  it('trains a head on features between whose corners the image lies', async () => {
    const network = await wrapFunction(await deeplab(33), options)
    expect(network.outputSize([33, 33])).toEqual([33, 33])
    const engine = await createTfjsEngine({ network })
    const size = [33, 33]
    const images = standardNormals(3 * 33 * 33, { seed: 1 }).map((value) => Math.round(128 + 40 * value))
    const labels = Uint8Array.from({ length: 33 * 33 }, (_, voxel) => (voxel % 33 > 16 ? 1 : 0))
    const batch = { images, labels, batch: 1, channels: 3, spatial: size }
    const losses: number[] = []
    for (let step = 0; step < 10; step++) {
      const how = { learningRate: 0.02, phase: 'all', samples: 4, seed: 0, stream: 0 } as const
      losses.push((await engine.step(batch, how)).loss)
    }
    expect(losses.at(-1)).toBeLessThan(losses[0]!)
    const { spatial, rank } = await engine.predict(images, 1, size)
    expect({ spatial, rank }).toEqual({ spatial: size, rank: 3 })
  })

  it('lays corners on corners', async () => {
    const ramp = (images: tf.Tensor): tf.Tensor =>
      tf.tile(tf.reshape(tf.range(0, 3), [1, 3, 1, 1]), [images.shape[0]!, 1, 3, 8])
    const network = await wrapFunction(ramp, { ...options, head: 'deterministic' })
    const { mean } = network.forward(tf.zeros([1, 7, 7, 3]))
    const column = [...(tf.slice(mean, [0, 0, 0, 0], [1, 7, 1, 1]).dataSync() as Float32Array)]
    const step = column[1]! - column[0]!
    for (const [row, value] of column.entries()) expect(value).toBeCloseTo(column[0]! + row * step, 4)
    expect(Math.abs(step)).toBeGreaterThan(0.01)
  })

  it('refuses features of another size', async () => {
    const network = await wrapFunction((images) => tf.zeros([images.shape[0]!, 5, 5, 8]), options)
    expect(() => network.outputSize([12, 12])).toThrow(ModelError)
    expect(() => network.outputSize([12, 12])).toThrow(
      /\[1,5,5,8\] for an image of 12 × 12; expected .*\(S − 1\)/,
    )
    const features = (images: tf.Tensor): tf.Tensor => tf.zeros([images.shape[0]!, 3, 3, 3, 8])
    const ofVolumes = await wrapFunction(features, { ...options, dimensions: 3 })
    expect(ofVolumes.outputSize([6, 6, 6])).toEqual([6, 6, 6])
    expect(() => ofVolumes.outputSize([5, 5, 5])).toThrow(ModelError)
  })
})
