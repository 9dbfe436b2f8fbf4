// For the Trainer's tests: a small task for the linear engine, and runs that are recorded.
import type { Dataset } from '../dataset'
import { standardNormals } from '../noise/draw-noise'
import { memoryCheckpoints } from './checkpoint'
import { linearEngine } from './linear-engine'
import type { StepReport, TrainingRun, ValidationReport } from './trainer'
import type { RequestedTrainingOptions } from './training-options'

/** Voxels of an image. */
export const voxels = 12

/** Bright voxels are labelled by the first of two raters. `damage` may change a case's intensities. */
export function brightness(
  length: number,
  stream: number,
  damage?: (index: number, image: Float32Array) => void,
): Dataset {
  return {
    name: 'brightness',
    channels: 1,
    classes: 2,
    spatial: [3, 4],
    length,
    case: async (index) => {
      const image = standardNormals(voxels, { seed: 11, stream: 1000 * stream + index })
      const raters = new Uint8Array(2 * voxels)
      raters.set(image.map((value) => Number(value > 0)))
      damage?.(index, image)
      return { id: `case ${index}`, image, raters }
    },
  }
}

/** 24 steps: validations after 5, 10, 15, 20 and 24, saves after 7, 14, 21 and 24. */
export const options: RequestedTrainingOptions = {
  ...{ steps: 24, meanSteps: 6, batchSize: 3, samples: 4, learningRate: 1e-2, seed: 5 },
  ...{ validateEvery: 5, checkpointEvery: 7 },
}

/** What a run reported. */
export interface Log {
  readonly steps: StepReport[]
  readonly validations: ValidationReport[]
}

export const emptyLog = (): Log => ({ steps: [], validations: [] })

/** A run of the linear engine that writes to a log. */
export function logged(
  {
    options: changes,
    ...run
  }: Omit<Partial<TrainingRun>, 'options'> & { options?: Partial<RequestedTrainingOptions> },
  log: Log = emptyLog(),
): TrainingRun {
  return {
    engine: linearEngine({ classes: 2, rank: 1 }),
    training: brightness(10, 0),
    validation: brightness(5, 1),
    options: { ...options, ...changes },
    checkpoints: memoryCheckpoints(),
    onStep: (report) => log.steps.push(report),
    onValidation: (report) => log.validations.push(report),
    ...run,
  }
}
