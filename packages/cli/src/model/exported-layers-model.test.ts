// A layers model of TF.js, ours or a user's with our head, as `.onnx`: the adapters are joined by what TF.js saves.
import { geometryOf, initialWeights, unet } from '@stochseg/backbones'
import { ssnHead, standardNormals } from '@stochseg/core'
import { exportLayersModel, type LayersModelArtefacts, OnnxSegmenter } from '@stochseg/onnx-adapter'
import { buildLayersModel, createTfjsEngine, wrap } from '@stochseg/tfjs-adapter'
import * as tf from '@tensorflow/tfjs-core'
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers'
import { expect, test } from 'vitest'
import { expectClose } from '../../../../scripts/expect-close'

async function saved(model: LayersModel): Promise<LayersModelArtefacts> {
  let artefacts: LayersModelArtefacts = {}
  await model.save(
    tf.io.withSaveHandler(async (given) => {
      artefacts = {
        ...given,
        modelTopology: JSON.parse(JSON.stringify(given.modelTopology)),
      } as LayersModelArtefacts
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }
    }),
  )
  return artefacts
}

const head = ssnHead({ classes: 2, rank: 3 })
const size = [8, 12]
const images = standardNormals(2 * 96, { seed: 2 })
const parts = ['mean', 'factor', 'diagonal'] as const

test.each(['transposed', 'linear'] as const)(
  'a spec as a layers model, up-sampling %s',
  async (upsampling) => {
    const spec = unet({ inputChannels: 1, widths: [4, 8], normalisation: 'group', groups: 2, upsampling })
    const network = { spec, head, weights: initialWeights(spec, head, { seed: 1 }) }
    const engine = await createTfjsEngine(network)
    const artefacts = await saved(await buildLayersModel(network))
    const segmenter = await OnnxSegmenter.load(
      exportLayersModel(artefacts, { head, geometry: geometryOf(spec), properties: { made: 'by TF.js' } }),
    )
    const [found, expected] = [
      await segmenter.predict(images, 2, size),
      await engine.predict(images, 2, size),
    ]
    for (const part of parts) expectClose(found[part], expected[part], 1e-4)
    expect(segmenter.metadata.properties.made).toBe('by TF.js')
    expect(() => exportLayersModel(artefacts, { head: ssnHead({ classes: 3, rank: 3 }) })).toThrow(
      /found head.mean \(2 channels\).*expected mean \(3 channels\)/,
    )
    engine.dispose()
    await segmenter.dispose()
  },
)

test("a user's network with our head", async () => {
  const own = sequential({
    layers: [
      layers.conv2d({
        filters: 4,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        inputShape: [null, null, 1] as never,
      }),
      layers.conv2d({ filters: 2, kernelSize: 1, activation: 'softmax' }),
    ],
  })
  const wrapped = await wrap(own, { classes: 2, rank: 3 })
  const engine = await createTfjsEngine({ network: wrapped })
  const geometry = { minimumSize: [1, 1], multipleOf: [1, 1], receptiveField: [3, 3] }
  const bytes = exportLayersModel(await saved(wrapped.model), { head: wrapped.head, geometry })
  const segmenter = await OnnxSegmenter.load(bytes)
  const [found, expected] = [await segmenter.predict(images, 2, size), await engine.predict(images, 2, size)]
  for (const part of parts) expectClose(found[part], expected[part], 1e-4)
  engine.dispose()
  await segmenter.dispose()
})
