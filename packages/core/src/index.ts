// The public face of @stochseg/core. Nothing else is promised.
export type { Case, Dataset } from './dataset'
export type { ArrayOps } from './distribution/array-ops'
export { type Float64NdArray, float64Array, float64Arrays } from './distribution/float64-arrays'
export {
  type DistributionArrays,
  type EditArrays,
  type LabelArrays,
  labelLogLikelihood,
  labelLogProbabilities,
  logMarginalProbabilities,
  marginalEntropyOf,
  meanCrossEntropy,
  monteCarloLoss,
  type NoiseArrays,
  sampledLogits,
} from './distribution/formulas'
export { type LabelSizes, labelTargets } from './distribution/label-targets'
export { type LogitDistribution, logitDistribution, voxelCount } from './distribution/logit-distribution'
export {
  DataError,
  type ErrorDetails,
  ModelError,
  RuntimeUnavailableError,
  ShapeError,
  StochsegError,
  TrainingError,
  ValueError,
} from './errors'
export { DETERMINISTIC_VARIANCE, type HeadKind, type SsnHead, ssnHead } from './head'
export { drawNoise, type Noise, standardNormals } from './noise/draw-noise'
export { philox4x32 } from './noise/philox'
export { randomInteger, shuffledIndices } from './noise/random-integers'
export type { EngineState, StepOptions, TrainingBatch, TrainingEngine } from './training/training-engine'
export type { Weight, Weights } from './weights'
