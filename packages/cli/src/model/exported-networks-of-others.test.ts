// Networks as people have them, wrapped in TF.js and exported: ONNX Runtime computes the same distribution.
import { standardNormals } from '@stochseg/core'
import { exportLayersModel, type LayersModelArtefacts, OnnxSegmenter } from '@stochseg/onnx-adapter'
import { createTfjsEngine, installWasmTrainingKernels, wrap } from '@stochseg/tfjs-adapter'
import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { beforeAll, expect, test } from 'vitest'
import { relativeError } from '../../../../scripts/expect-close'
import { NETWORKS_OF_OTHERS } from '../../../../scripts/networks-of-others'

beforeAll(() => installWasmTrainingKernels())

async function saved(model: LayersModel): Promise<LayersModelArtefacts> {
  let artefacts: LayersModelArtefacts = {}
  await model.save(
    tf.io.withSaveHandler(async (given) => {
      const modelTopology = JSON.parse(JSON.stringify(given.modelTopology))
      artefacts = { ...given, modelTopology } as LayersModelArtefacts
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }
    }),
  )
  return artefacts
}

test.each(Object.entries(NETWORKS_OF_OTHERS))('%s', async (_, { build, size, channels, classes }) => {
  // Batch normalisation of volumes can be computed only once it is repaired, dilated depthwise convolutions only then right.
  const wrapped = await wrap(build(), { classes, rank: 2, depthwiseDilation: true })
  const engine = await createTfjsEngine({ network: wrapped })
  const geometry = { minimumSize: size, multipleOf: size, receptiveField: size }
  const bytes = exportLayersModel(await saved(wrapped.model), { head: wrapped.head, geometry })
  const segmenter = await OnnxSegmenter.load(bytes)
  const image = standardNormals(channels * tf.util.sizeFromShape([...size]), { seed: 2 })
  const [found, expected] = [await segmenter.predict(image, 1, size), await engine.predict(image, 1, size)]
  for (const part of ['mean', 'factor', 'diagonal'] as const) {
    expect(relativeError(found[part], expected[part])).toBeLessThan(1e-4)
  }
  engine.dispose()
  await segmenter.dispose()
})
