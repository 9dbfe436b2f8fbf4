// Before the first step: whether data sets fit each other, and where a resumed run goes on.
import type { Dataset } from '../dataset'
import { ModelError, ValueError } from '../errors'
import { type Checkpoint, type CheckpointStore, checkSameRun } from './checkpoint'
import type { TrainingEngine } from './training-engine'
import { VALIDATION_STREAMS } from './validate'

/** Throws {@link ValueError} for empty splits, splits that differ in kind, and more than 2^31 `items` to draw noise for. */
export function checkData(training: Dataset, validation: Dataset, items: number): void {
  for (const dataset of [training, validation]) {
    if (dataset.length > 0) continue
    throw new ValueError(dataset.name, {
      found: 'no cases',
      expected: 'at least one',
      remedy: 'Training needs a filled training and a filled validation split',
    })
  }
  const describe = ({ channels, classes }: Dataset): string => `${channels} channels, ${classes} classes`
  if (describe(training) !== describe(validation)) {
    throw new ValueError('validation data', {
      found: describe(validation),
      expected: `${describe(training)}, as in the training data`,
      remedy: 'Validate on data of the same kind',
    })
  }
  if (items > VALIDATION_STREAMS) {
    throw new ValueError('training run', {
      found: `${items} images in all`,
      expected: `at most ${VALIDATION_STREAMS}, steps × batchSize, so that no two share noise`,
      remedy: 'Take fewer steps, or go on in a second run with another seed',
    })
  }
}

/**
 * Puts the engine back to the checkpoint `last`, and gives it.
 *
 * @throws ModelError where there is none; ValueError for that of another run (unless it may have changed), or of one that has come further than `steps`.
 */
export async function restore(
  {
    engine,
    checkpoints,
    resume,
  }: {
    readonly engine: TrainingEngine
    readonly checkpoints: CheckpointStore
    readonly resume?: boolean | 'changed' | undefined
  },
  identity: Checkpoint['identity'],
  steps: number,
): Promise<Checkpoint> {
  const stored = await checkpoints.load('last')
  if (stored === undefined) {
    throw new ModelError('resuming a run', {
      found: 'no checkpoint',
      expected: 'the checkpoint of an earlier run',
      remedy: 'Start the run without resuming',
    })
  }
  if (resume !== 'changed') checkSameRun(stored.identity, identity)
  if (stored.step > steps) {
    throw new ValueError('resuming a run', {
      found: `${steps} steps`,
      expected: `at least the ${stored.step} that the checkpoint has behind it`,
      remedy: 'Ask for more steps',
    })
  }
  await engine.importState(stored.state)
  return stored
}
