// Validation: the Monte-Carlo loss on cases that are not trained on.
import type { Dataset } from '../dataset'
import { pendingEvents } from '../event-loop'
import { monteCarloNll } from '../loss/monte-carlo-nll'
import { randomInteger } from '../noise/random-integers'
import { batchOf } from './batches'
import { centreLabels } from './centre-labels'
import type { TrainingEngine } from './training-engine'

/** Streams from here on belong to validation; training stays below. */
export const VALIDATION_STREAMS: number = 2 ** 31

/**
 * The mean loss (eq. 7) of the validation cases, in nats per image.
 *
 * Each case is held against one of its raters, drawn once: with the same `seed` it is the same rater and the same noise at
 * every validation, so that two states are compared on equal terms. Where the network's output is smaller than the image,
 * the middle of the labels counts.
 */
export async function validationLoss(
  engine: TrainingEngine,
  dataset: Dataset,
  options: {
    readonly samples: number
    readonly seed: number
    readonly batchSize: number
    /** At most this many cases, evenly spread. */
    readonly cases: number
    readonly signal?: AbortSignal | undefined
  },
): Promise<number> {
  const { samples, seed, batchSize, signal } = options
  const count = Math.min(options.cases, dataset.length)
  let sum = 0
  for (let first = 0; first < count; first += batchSize) {
    await pendingEvents()
    signal?.throwIfAborted()
    const size = Math.min(batchSize, count - first)
    const items = Array.from({ length: size }, (_, item) => ({
      index: Math.floor(((first + item) * dataset.length) / count),
      rater: (raters: number) =>
        randomInteger({ seed, stream: VALIDATION_STREAMS, index: first + item }, raters),
    }))
    const batch = await batchOf(dataset, items)
    const distribution = await engine.predict(batch.images, batch.batch, batch.spatial)
    const { labels, roi } = centreLabels(batch, distribution.spatial)
    const stream = VALIDATION_STREAMS + first
    const { perItem } = monteCarloNll(distribution, labels, { samples, seed, stream, ...(roi && { roi }) })
    sum += perItem.reduce((total, loss) => total + loss, 0)
  }
  return sum / count
}
