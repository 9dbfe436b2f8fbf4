// Heads on networks as people have them: DeepLab, U-Nets, models inside models.
import { standardNormals } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers'
import { beforeAll, describe, expect, it } from 'vitest'
import { NETWORKS_OF_OTHERS, type NetworkOfOthers } from '../../../../scripts/networks-of-others'
import {
  createTfjsEngine,
  installWasmTrainingKernels,
  registerLayers,
  type WrapOptions,
  wrap,
} from '../index'

beforeAll(async () => {
  await installWasmTrainingKernels()
  await registerLayers()
})

type Size = readonly number[]

function imageOf(size: Size, channels: number, batch: number): tf.Tensor {
  const shape = [batch, ...size, channels]
  return tf.tensor(standardNormals(tf.util.sizeFromShape(shape), { seed: 5 }), shape)
}

function outputsOf(model: LayersModel, { channels }: NetworkOfOthers, size: Size): tf.Tensor[] {
  return tf.tidy(() => [model.predict(imageOf(size, channels, 1))].flat() as tf.Tensor[])
}

/** What the network predicted: the mean's softmax, or sigmoid. */
function probabilities(model: LayersModel, network: NetworkOfOthers, size: Size): tf.Tensor {
  const [mean] = outputsOf(model, network, size)
  return network.classes === 1 ? tf.sigmoid(mean!) : tf.softmax(mean!)
}

function largestDifference(found: readonly tf.Tensor[], expected: readonly tf.Tensor[]): number {
  expect(found.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape))
  return Math.max(
    ...found.map((tensor, index) => tf.max(tf.abs(tf.sub(tensor, expected[index]!))).dataSync()[0]!),
  )
}

/** What loads of what was saved, by way of JSON. */
async function loaded(model: LayersModel): Promise<LayersModel> {
  let saved: tf.io.ModelArtifacts = {}
  await model.save(
    tf.io.withSaveHandler(async (artefacts) => {
      saved = { ...artefacts, modelTopology: JSON.parse(JSON.stringify(artefacts.modelTopology)) }
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }
    }),
  )
  return loadLayersModel(tf.io.fromMemory(saved))
}

/** Losses of some steps on two images, whose labels are where their first channel is positive. */
async function learn(
  network: Awaited<ReturnType<typeof wrap>>,
  size: Size,
  steps: number,
): Promise<readonly number[]> {
  const engine = await createTfjsEngine({ network })
  const { channels } = network
  const images = standardNormals(2 * channels * tf.util.sizeFromShape([...size]), { seed: 6 })
  const voxels = images.length / 2 / channels
  const labels = Uint8Array.from({ length: 2 * voxels }, (_, index) => {
    const image = Math.floor(index / voxels)
    return images[image * voxels * channels + (index % voxels)]! > 0 ? 1 : 0
  })
  const losses: number[] = []
  for (let step = 0; step < steps; step++) {
    const batch = { images, labels, batch: 2, channels, spatial: size }
    const options = { learningRate: 0.003, phase: 'all', samples: 4, seed: 0, stream: 0 } as const
    losses.push((await engine.step(batch, options)).loss)
  }
  return losses
}

describe.each(Object.entries(NETWORKS_OF_OTHERS))('%s', (_, network) => {
  const { build, size, otherSize, classes } = network
  const options = { classes, rank: 2, depthwiseDilation: false } satisfies WrapOptions

  it('keeps its prediction, at every size that it takes', async () => {
    const given = build()
    const wrapped = await wrap(given, options)
    // What TF.js refuses was repaired when it was wrapped.
    const reference = network.refused ? given : build()
    for (const each of otherSize ? [size, otherSize] : [size]) {
      const before = outputsOf(reference, network, each)
      const isLogits = tf.max(before[0]!).dataSync()[0]! > 1
      const expected = isLogits ? [tf.softmax(before[0]!)] : before
      expect(largestDifference([probabilities(wrapped.model, network, each)], expected)).toBeLessThan(1e-5)
      expect(wrapped.outputSize(each)).toEqual(each)
    }
  })

  it.each([false, true])('learns (frozen: %s), is saved, loaded, and learns on', async (frozen) => {
    const given = build()
    const before = given.getWeights().map((weight) => weight.dataSync().slice())
    const wrapped = await wrap(given, { ...options, frozen })
    const losses = await learn(wrapped, size, 6)
    expect(losses.at(-1)).toBeLessThan(losses[0]!)
    const after = given.getWeights().map((weight) => weight.dataSync())
    if (frozen) expect(after).toEqual(before)
    else expect(after).not.toEqual(before)

    const again = await loaded(wrapped.model)
    const outputs = outputsOf(again, network, size)
    expect(largestDifference(outputs, outputsOf(wrapped.model, network, size))).toBeLessThan(1e-4)
    const [next] = await learn(await wrap(again, { ...options, frozen }), size, 1)
    expect(next! / (await learn(wrapped, size, 1))[0]!).toBeCloseTo(1, 3)
  })
})
