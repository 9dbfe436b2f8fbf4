// A model, or no model at all, against the raters of a data set.
import {
  type Dataset,
  distributionSampler,
  type Evaluation,
  evaluate,
  imageBlindSampler,
  ModelError,
  type Sampler,
} from '@stochseg/core'
import type { TextOutput } from '../io'
import type { OpenModel } from '../model/open-model'
import { showProgress } from '../progress'

/** How an evaluation is done and where its progress goes. */
export interface EvaluationOptions {
  readonly samples: number
  readonly seed: number
  readonly signal: AbortSignal
  readonly stderr: TextOutput
}

/** Evaluates samples of a model. Throws `ModelError` when the model does not fit the data. */
export async function evaluateModel(
  model: OpenModel,
  dataset: Dataset,
  options: EvaluationOptions & { readonly name?: string; readonly storage?: 'float32' | 'float16' },
): Promise<Evaluation> {
  checkFits(model, dataset)
  const { storage } = options
  const sampler = distributionSampler({
    ...options,
    predict: (images, batch, spatial, roi) =>
      model.predictWhole({ images, batch, spatial, roi }, { storage }),
  })
  return evaluateSampler(options.name ?? 'evaluate', sampler, dataset, options)
}

/** Evaluates random masks of the training split: what a model that never saw the image would do. */
export async function evaluateImageBlind(
  training: Dataset,
  dataset: Dataset,
  options: EvaluationOptions,
): Promise<Evaluation> {
  return evaluateSampler('image-blind', imageBlindSampler({ ...options, training }), dataset, options)
}

async function evaluateSampler(
  label: string,
  sampler: Sampler,
  dataset: Dataset,
  { samples, signal, stderr }: EvaluationOptions,
): Promise<Evaluation> {
  const progress = showProgress(stderr, `${label}: case`)
  const onProgress = (done: number, total: number): void => progress.update(done, total)
  try {
    return await evaluate({ dataset, sampler, samples, signal, onProgress })
  } finally {
    progress.finish()
  }
}

function checkFits({ path, metadata, labels }: OpenModel, dataset: Dataset): void {
  if (metadata.channels === dataset.channels && labels === dataset.classes) return
  throw new ModelError(`'${path}'`, {
    found: `a network for ${metadata.channels} channels and ${labels} classes`,
    expected: `${dataset.channels} channels and ${dataset.classes} classes, as '${dataset.name}' has`,
    remedy: 'Choose the data that the network was trained for',
  })
}
