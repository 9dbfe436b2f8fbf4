import { mkdtemp, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ActivationNode,
  initialWeights,
  type NetworkNode,
  type NetworkSpec,
  networkSpec,
} from '@stochseg/backbones'
import { DataError, ssnHead, standardNormals } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildLayersModel, modelFolder, registerLayers } from '../index'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-model-'))
  await registerLayers()
})
afterAll(() => rm(folder, { recursive: true }))

/** Every kind of layer that is ours, and one of TF.js. */
function spec(dimensions: 2 | 3): NetworkSpec {
  const per = (value: number): number[] => Array(dimensions).fill(value)
  const convolution = { op: 'convolution', channels: 4, kernel: per(3), padding: 'same', bias: true } as const
  const nodes: NetworkNode[] = [
    { ...convolution, name: 'dilated', inputs: ['image'], dilation: per(2) },
    { op: 'batchNorm', name: 'batch', inputs: ['dilated'], epsilon: 1e-3, momentum: 0.9 },
    { op: 'activation', name: 'bend', inputs: ['batch'], function: 'prelu' } as ActivationNode,
    { op: 'slice', name: 'half', inputs: ['bend'], start: per(1), step: per(2) },
    { op: 'upsample', name: 'up', inputs: ['half'], kind: 'linear', factor: per(2) },
    { op: 'groupNorm', name: 'group', inputs: ['up'], groups: 2, epsilon: 1e-5 },
    { op: 'pool', name: 'pool', inputs: ['group'], kind: 'average', window: per(2) },
    {
      op: 'transposedConvolution',
      name: 'transposed',
      inputs: ['pool'],
      channels: 4,
      factor: per(2),
      bias: true,
    },
    { op: 'dropout', name: 'drop', inputs: ['transposed'], rate: 0.5 },
    { op: 'crop', name: 'crop', inputs: ['drop'], before: per(1), after: per(1) },
  ]
  return networkSpec({
    format: 'stochseg.network',
    version: 1,
    name: 'everything',
    dimensions,
    inputs: [{ name: 'image', channels: 2 }],
    nodes,
    features: 'crop',
  })
}

describe.each([2, 3] as const)('a model in a folder, %dD', (dimensions) => {
  const head = ssnHead({ classes: 2, rank: 3 })
  const size = [8, 6, 4].slice(0, dimensions)
  const path = (): string => join(folder, `model-${dimensions}d`)

  it('computes the same after it was saved and loaded', async () => {
    const network = spec(dimensions)
    const model = await buildLayersModel({
      spec: network,
      head,
      weights: initialWeights(network, head, { seed: 4 }),
    })
    await model.save(modelFolder(path()))
    const loaded = await loadLayersModel(modelFolder(path()))
    const count = size.reduce((product, length) => product * length, 2)
    const x = tf.tensor(standardNormals(count, { seed: 1 }), [1, ...size, 2])
    const [before, after] = [model, loaded].map((one) =>
      (one.predict(x) as tf.Tensor[]).map((tensor) => tensor.dataSync()),
    )
    expect(after).toEqual(before)
    expect(before).toHaveLength(3)
  })

  it('names what is missing or too short', async () => {
    await expect(loadLayersModel(modelFolder(join(folder, 'nowhere')))).rejects.toThrow(DataError)
    await truncate(join(path(), 'weights.bin'), 100)
    await expect(loadLayersModel(modelFolder(path()))).rejects.toThrow(/found 100 of \d+ bytes/)
  })
})
