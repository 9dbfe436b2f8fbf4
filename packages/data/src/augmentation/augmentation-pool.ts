// Augmentation in worker threads: the same results, while the calling thread does something else.
import { availableParallelism } from 'node:os'
import { type CaseTransform, ValueError } from '@stochseg/core'
import { isEmpty, withArrays } from './augmentation'
import { type AugmentationOptions, augmentationOptions } from './augmentation-options'
import { deform } from './deformation'
import { DeformationThread } from './deformation-thread'
import { arraysOf, drawDeformation } from './draw-deformation'

/** What a pool is told. */
export interface AugmentationPoolOptions extends AugmentationOptions {
  /** Worker threads, from 0 (all is done on the calling thread) to 1024; unless given, as many as there are cores. */
  readonly workers?: number | undefined
  /** Once it is aborted, threads end, and calls reject with its reason. */
  readonly signal?: AbortSignal | undefined
}

/** {@link augmentation} in worker threads. */
export interface AugmentationPool {
  /** Give it several cases at a time: each is done by one thread. */
  readonly transform: CaseTransform
  /** Ends the threads. What they have in hand, and what comes later, is done on the calling thread. */
  dispose(): void
}

/**
 * {@link augmentation} in worker threads, with the same results bit for bit. They start with the first case, and do not keep
 * the process alive while they are idle. Where threads cannot run, that is said once on the console, and the calling thread
 * does the work.
 *
 * @throws ValueError for an option out of range.
 */
export function augmentationPool(pool: AugmentationPoolOptions): AugmentationPool {
  const { workers = availableParallelism(), signal, ...options } = pool
  augmentationOptions(options)
  if (!Number.isInteger(workers) || workers < 0 || workers > 1024) {
    throw new ValueError('augmentation: workers', {
      found: String(workers),
      expected: 'a whole number from 0 to 1024',
      remedy: 'Choose at most the number of cores',
    })
  }

  let threads: DeformationThread[] | undefined
  const dispose = (): void => {
    for (const thread of threads ?? []) thread.terminate()
    threads = []
    signal?.removeEventListener('abort', dispose)
  }
  const giveUp = (cause: unknown): void => {
    console.warn(
      `stochseg: no worker threads for augmentation (${cause}); it goes on, on the calling thread.`,
    )
    dispose()
  }
  const start = (): DeformationThread[] => {
    signal?.addEventListener('abort', dispose, { once: true })
    try {
      return Array.from({ length: workers }, () => new DeformationThread(giveUp))
    } catch (cause) {
      giveUp(cause)
      return []
    }
  }

  return {
    dispose,
    async transform(item, draw) {
      signal?.throwIfAborted()
      const deformation = drawDeformation(options, item, draw)
      if (isEmpty(deformation)) return item
      const arrays = arraysOf(item)
      threads ??= start()
      const idlest = threads.toSorted((one, other) => one.load - other.load)[0]
      const deformed = await idlest?.deform(arrays, deformation)
      signal?.throwIfAborted()
      return withArrays(item, deformed ?? deform(arrays, deformation))
    },
  }
}
