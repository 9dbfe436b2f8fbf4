// What a configuration makes of the data: patches, augmented for training, plain and always the same for validation.
import {
  type CaseTransform,
  chainTransforms,
  type Dataset,
  patches,
  repeatCases,
  type TrainingRun,
} from '@stochseg/core'
import { augmentationPool } from '@stochseg/data'
import { AUGMENTATIONS, type TrainingConfiguration } from './configuration'

/** The data of a run, and what each case goes through first. */
export interface PreparedData {
  readonly run: Pick<TrainingRun, 'training' | 'validation' | 'trainingTransform' | 'validationTransform'>
  /** Ends the threads of the augmentation. */
  dispose(): void
}

/** Throws `ValueError` or `ShapeError` for options out of range. */
export function prepareData(
  { patchSize: size, patchForeground: foreground, patchesPerCase, augmentation }: TrainingConfiguration,
  { training, validation }: { readonly training: Dataset; readonly validation: Dataset },
): PreparedData {
  const cut = size && patches({ size, foreground })
  const changes = typeof augmentation === 'string' ? AUGMENTATIONS[augmentation] : augmentation
  const pool = changes && augmentationPool(changes)
  const steps = [cut, pool?.transform].filter((step): step is CaseTransform => step !== undefined)
  const times = cut ? patchesPerCase : 1
  return {
    run: {
      training: repeatCases(training, times),
      validation: repeatCases(validation, times),
      trainingTransform: steps.length > 0 ? chainTransforms(...steps) : undefined,
      validationTransform: cut,
    },
    dispose: () => pool?.dispose(),
  }
}
