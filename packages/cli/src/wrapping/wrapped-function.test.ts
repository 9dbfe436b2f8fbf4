// A graph model whose head was trained in TF.js, as `.onnx`: the adapters are joined by the names and shapes of weights.
import { standardNormals } from '@stochseg/core'
import { exportGraphModel, FrozenFeatures, OnnxSegmenter, withHeads, wrapOnnx } from '@stochseg/onnx-adapter'
import { createTfjsEngine, installWasmTrainingKernels, wrapFunction } from '@stochseg/tfjs-adapter'
import { loadGraphModel } from '@tensorflow/tfjs-converter'
import * as tf from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { expectClose } from '../../../../scripts/expect-close'
import { graphModel, node, placeholder, window } from '../../../../scripts/graph-models'

test('the head of a wrapped function goes into the wrapped file as it is', async () => {
  const artefacts = graphModel(
    placeholder([-1, -1, -1, 1]),
    [
      node('body', 'Conv2D', ['image', 'k'], window('SAME')),
      node('features', 'Relu', ['body']),
      node('logits', 'Conv2D', ['features', 'l'], window('SAME')),
      node('probabilities', 'Softmax', ['logits']),
    ],
    { k: { shape: [3, 3, 1, 6] }, l: { shape: [1, 1, 6, 2] } },
  )
  const wrapped = await wrapOnnx(exportGraphModel(artefacts), { classes: 2, rank: 2 })
  const frozen = await FrozenFeatures.load(wrapped)

  await installWasmTrainingKernels()
  const graph = await loadGraphModel(tf.io.fromMemory(artefacts as tf.io.ModelArtifacts))
  const network = await wrapFunction(
    (images) => tf.concat(graph.execute(images, ['features', 'logits']) as tf.Tensor[], -1),
    { channels: 1, features: 8, dimensions: 2, classes: 2, rank: 2 },
  )
  const engine = await createTfjsEngine({ network })
  await engine.importState({ ...(await engine.exportState()), weights: frozen.weights })
  const images = standardNormals(48, { seed: 2 })
  const labels = Uint8Array.from(images, (value) => (value > 0 ? 1 : 0))
  const batch = { images, labels, batch: 1, channels: 1, spatial: [6, 8] }
  const how = { learningRate: 0.05, phase: 'all', samples: 4, seed: 0 } as const
  for (let stream = 0; stream < 5; stream++) await engine.step(batch, { ...how, stream })

  const { weights } = await engine.exportState()
  expect(weights.get('head.mean.weight')).not.toEqual(frozen.weights.get('head.mean.weight'))
  const segmenter = await OnnxSegmenter.load(withHeads(wrapped, weights))
  const found = await segmenter.predict(images, 1, [6, 8])
  const expected = await engine.predict(images, 1, [6, 8])
  for (const part of ['mean', 'factor', 'diagonal'] as const) expectClose(found[part], expected[part], 1e-5)
  engine.dispose()
  await Promise.all([segmenter.dispose(), frozen.dispose()])
})
