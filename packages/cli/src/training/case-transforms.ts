// What a configuration makes of the data: patches, augmented for training, plain and always the same for validation.
import {
  type CaseTransform,
  chainTransforms,
  type Dataset,
  patches,
  repeatCases,
  type TrainingRun,
} from '@stochseg/core'
import { augmentation as augmented } from '@stochseg/data'
import { AUGMENTATIONS, type TrainingConfiguration } from './configuration'

/** The data of a run, and what each case goes through first. Throws `ValueError` or `ShapeError` for options out of range. */
export function preparedData(
  { patchSize: size, patchForeground: foreground, patchesPerCase, augmentation }: TrainingConfiguration,
  { training, validation }: { readonly training: Dataset; readonly validation: Dataset },
): Pick<TrainingRun, 'training' | 'validation' | 'trainingTransform' | 'validationTransform'> {
  const cut = size && patches({ size, foreground })
  const changes = typeof augmentation === 'string' ? AUGMENTATIONS[augmentation] : augmentation
  const transforms = [cut, changes && augmented(changes)].filter(
    (step): step is CaseTransform => step !== undefined,
  )
  const times = cut ? patchesPerCase : 1
  return {
    training: repeatCases(training, times),
    validation: repeatCases(validation, times),
    trainingTransform: transforms.length > 0 ? chainTransforms(...transforms) : undefined,
    validationTransform: cut,
  }
}
