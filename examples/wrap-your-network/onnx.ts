// A network from elsewhere, as .onnx, that gives one answer; its frozen features know enough for a head that gives all of them.
import { spawnSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { distributionSampler, type Evaluation, evaluate, memoryCheckpoints, train } from '@stochseg/core'
import { ambiguousShapes } from '@stochseg/data'
import { FrozenFeatures, OnnxSegmenter, withHeads, wrapOnnx } from '@stochseg/onnx-adapter'
import { createTfjsEngine } from '@stochseg/tfjs-adapter'

const [trainingImages, validationImages, testImages] = [
  ambiguousShapes({ split: 'train', cases: 400 }),
  ambiguousShapes({ split: 'val', cases: 50 }),
  ambiguousShapes({ split: 'test', cases: 50 }),
]

/** Writes images with one rater's label map each to FOLDER/images.json, and has PyTorch train on them: FOLDER/unet.onnx. */
export async function makeNetwork(folder: string, steps: number): Promise<Uint8Array> {
  const cases = await Promise.all(Array.from({ length: 400 }, (_, index) => trainingImages.case(index)))
  const [size] = trainingImages.spatial
  const images = cases.flatMap(({ image }) => [...image])
  const labels = cases.flatMap(({ raters, image }) => [...raters.subarray(0, image.length)])
  await mkdir(folder, { recursive: true })
  await writeFile(`${folder}/images.json`, JSON.stringify({ size, images, labels }))
  const hasTorch = (python: string): boolean => spawnSync(python, ['-c', 'import torch']).status === 0
  const python = ['python3', '/usr/bin/python3'].find(hasTorch)
  if (!python) throw new Error('python3 with PyTorch is needed to make the network to wrap')
  const script = fileURLToPath(new URL('unet.py', import.meta.url))
  const arguments_ = ['-B', '-W', 'ignore', script, folder, String(steps)]
  const { status, stderr } = spawnSync(python, arguments_, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`unet.py failed: ${stderr}`)
  return readFile(`${folder}/unet.onnx`)
}

/** Trains the head of a wrapped network on what all raters say. Nothing before the head changes. */
export async function trainHead(wrapped: Uint8Array, steps: number): Promise<Uint8Array> {
  const frozen = await FrozenFeatures.load(wrapped)
  const engine = await createTfjsEngine({ ...frozen.network, weights: frozen.weights })
  const checkpoints = memoryCheckpoints()
  await train({
    ...{ engine, checkpoints },
    training: frozen.dataset(trainingImages),
    validation: frozen.dataset(validationImages),
    options: { steps, batchSize: 8, learningRate: 0.02, validateEvery: Math.ceil(steps / 4) },
  })
  const best = await checkpoints.load('best')
  engine.dispose()
  await frozen.dispose()
  return withHeads(wrapped, best!.state.weights)
}

/** How a model's 16 samples an image compare with the raters of images that nothing was trained on. */
export async function figuresOf(model: Uint8Array): Promise<Evaluation> {
  const segmenter = await OnnxSegmenter.load(model)
  const sampler = distributionSampler({
    predict: (images, batch, spatial) => segmenter.predict(images, batch, spatial),
    ...{ samples: 16, seed: 0 },
  })
  const figures = await evaluate({ dataset: testImages, sampler, samples: 16 })
  await segmenter.dispose()
  return figures
}

const [script, folder = 'wrapped'] = process.argv.slice(1)
if (script !== undefined && import.meta.url === pathToFileURL(script).href) {
  const wrapped = await wrapOnnx(await makeNetwork(folder, 600), { classes: 2, rank: 4 })
  const trained = await trainHead(wrapped, 400)
  await writeFile(`${folder}/trained.onnx`, trained)
  for (const [name, model] of Object.entries({ wrapped, trained })) {
    const { ged, diversity, raterDiversity, dice } = await figuresOf(model)
    console.log(name, { dice, ged, diversity, raterDiversity })
  }
}
