// A network that others trained, run by TF.js as it is and by our build of the spec: dilated convolutions in 3D.
import { readFileSync } from 'node:fs'
import { initialWeights, meshnet, parametersOf } from '@stochseg/backbones'
import { ssnHead, standardNormals, type Weight, type Weights } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import { expect, it } from 'vitest'
import { referenceData } from '../../../scripts/reference-data'
import { openBackend } from './backend'
import { buildLayersModel } from './index'
import { fromTfjsLayout } from './model-weights'

const folder = referenceData('networks/meshnet-tfjs')

it.skipIf(!folder)('computes what a published MeshNet does (needs networks/meshnet-tfjs)', async () => {
  await openBackend()
  const { modelTopology, weightsManifest } = JSON.parse(readFileSync(`${folder}/model.json`, 'utf8'))
  modelTopology.model_config.config.layers[0].config.batch_input_shape = [null, null, null, null, 1]
  const bytes = new Uint8Array(readFileSync(`${folder}/group1-shard1of1.bin`))
  const weightSpecs: tf.io.WeightsManifestEntry[] = weightsManifest[0].weights
  const published = await loadLayersModel(
    tf.io.fromMemory({ modelTopology, weightSpecs, weightData: bytes.buffer }),
  )

  const spec = meshnet({ inputChannels: 1 })
  const head = ssnHead({ kind: 'deterministic', classes: 3 })
  const tensors = tf.io.decodeWeights(bytes.buffer, weightSpecs)
  const names = weightSpecs.map(({ name }) => name)
  // Both list kernel and bias of each convolution in order.
  const weights: Weights = new Map(
    parametersOf(spec, head).map(({ name, shape }, index): [string, Weight] => {
      const data = tensors[names[index]!]!.dataSync() as Float32Array
      return [name, { shape, data: fromTfjsLayout(data, shape) }]
    }),
  )
  expect([...weights.keys()]).toEqual([...initialWeights(spec, head, { seed: 0 }).keys()])
  const ours = await buildLayersModel({ spec, head, weights })

  const size = [20, 24, 18]
  const image = tf.tensor(standardNormals(20 * 24 * 18, { seed: 4 }), [1, ...size, 1])
  const [expected, found] = [published, ours].map((model) => model.predict(image) as tf.Tensor)
  expect(found!.shape).toEqual([1, ...size, 3])
  const largest = (x: tf.Tensor): number => tf.max(tf.abs(x)).dataSync()[0]!
  expect(largest(tf.sub(found!, expected!)) / largest(expected!)).toBeLessThan(1e-5)
})
