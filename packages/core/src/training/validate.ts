// Validation: the Monte-Carlo loss on cases that are not trained on.
import { pendingEvents } from '../event-loop'
import { monteCarloNll } from '../loss/monte-carlo-nll'
import { randomInteger } from '../noise/random-integers'
import { type BatchSource, batchOf, type SkippedCase } from './batches'
import { centreLabels } from './centre-labels'
import type { TrainingEngine } from './training-engine'

/** Streams from here on belong to validation; training stays below. */
export const VALIDATION_STREAMS: number = 2 ** 31

/**
 * The mean loss (eq. 7) of the validation cases, in nats per image: of what training mixes into eq. 7 nothing, for that is a means
 * to its end; but by its class weights, which say another end.
 *
 * Each case is held against one of its raters, drawn once: with the same `seed` it is the same rater, the same transform
 * (a patch, say) and the same noise at every validation, so that two states are compared on equal terms. Where the network's
 * output is smaller than the image, the middle of the labels counts.
 */
export async function validationLoss(
  engine: TrainingEngine,
  source: BatchSource,
  options: {
    readonly samples: number
    readonly batchSize: number
    /** At most this many cases, evenly spread. */
    readonly cases: number
    readonly classWeights?: readonly number[] | undefined
    readonly signal?: AbortSignal | undefined
  },
): Promise<{ readonly loss: number; readonly skipped: readonly SkippedCase[] }> {
  const { samples, batchSize, classWeights, signal } = options
  const { dataset, seed } = source
  const count = Math.min(options.cases, dataset.length)
  const skipped: SkippedCase[] = []
  let sum = 0
  for (let first = 0; first < count; first += batchSize) {
    await pendingEvents()
    signal?.throwIfAborted()
    const size = Math.min(batchSize, count - first)
    const items = Array.from({ length: size }, (_, item) => ({
      index: Math.floor(((first + item) * dataset.length) / count),
      rater: (raters: number) =>
        randomInteger({ seed, stream: VALIDATION_STREAMS, index: first + item }, raters),
      position: VALIDATION_STREAMS + first + item,
    }))
    const batch = await batchOf(source, items)
    skipped.push(...batch.skipped)
    const distribution = await engine.predict(batch.images, batch.batch, batch.spatial)
    const { labels, roi } = centreLabels(batch, distribution.spatial)
    const stream = VALIDATION_STREAMS + first
    const { perItem } = monteCarloNll(distribution, labels, {
      ...{ samples, seed, stream, classWeights },
      ...(roi && { roi }),
    })
    sum += perItem.reduce((total, loss) => total + loss, 0)
  }
  return { loss: sum / count, skipped }
}
