// Test support, run in a page: the first steps on the browser's WebGPU.
import { fewSteps } from './few-steps'

/** Losses of the first steps, and the engine's name. */
export const stepsInPage = (dimensions: 2 | 3): ReturnType<typeof fewSteps> => fewSteps('webgpu', dimensions)
