// What export.py left, in Node: `tsx main.ts FOLDER`.
import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { monteCarloNll, sampleLogits } from '@stochseg/core'
import { OnnxSegmenter } from '@stochseg/onnx-adapter'

/** How far Node is from PyTorch. */
export interface Comparison {
  /** Version of PyTorch. */
  readonly torch: string
  readonly loss: number
  readonly torchLoss: number
  /** Largest difference of a sampled logit, relative to the largest logit. */
  readonly logitDifference: number
}

/** Runs model.onnx on the image of reference.json, with PyTorch's noise. */
export async function compare(folder: string): Promise<Comparison> {
  const reference = JSON.parse(await readFile(`${folder}/reference.json`, 'utf8'))
  const { samples, batch, spatial } = reference
  const segmenter = await OnnxSegmenter.load(`${folder}/model.onnx`)
  const distribution = await segmenter.predict(Float32Array.from(reference.image), batch, spatial)
  await segmenter.dispose()

  const noise = { z: Float32Array.from(reference.z), epsilon: Float32Array.from(reference.epsilon) }
  const options = { samples, seed: 0, noise }
  const labels = Uint8Array.from(reference.labels)
  const { loss } = monteCarloNll(distribution, labels, { ...options, roi: Uint8Array.from(reference.mask) })
  const logits = sampleLogits(distribution, options)
  const expected: number[] = reference.logits
  const largest = (values: ArrayLike<number>): number =>
    Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const differences = logits.map((value, index) => value - expected[index]!)
  return {
    ...{ torch: reference.torch, loss, torchLoss: reference.loss },
    logitDifference:
      logits.length === expected.length ? largest(differences) / largest(expected) : Number.NaN,
  }
}

const [script, folder] = process.argv.slice(1)
if (script !== undefined && folder !== undefined && import.meta.url === pathToFileURL(script).href) {
  console.log(await compare(folder))
}
