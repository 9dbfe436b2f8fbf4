// The public face of @stochseg/core. Nothing else is promised.
export type { Case, Dataset } from './dataset'
export type { ArrayOps } from './distribution/array-ops'
export { type Edits, type Scales, scalesOf } from './distribution/edits'
export {
  type Float16Distribution,
  float16Bits,
  float16Distribution,
  float32Distribution,
  fromFloat16,
} from './distribution/float16'
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
export { checkLabels, checkRoi, type LabelSizes, labelTargets } from './distribution/label-targets'
export { type LogitDistribution, logitDistribution, voxelCount } from './distribution/logit-distribution'
export {
  DataError,
  type ErrorDetails,
  ModelError,
  OutOfMemoryError,
  RuntimeUnavailableError,
  ShapeError,
  StochsegError,
  TrainingError,
  ValueError,
} from './errors'
export { DETERMINISTIC_VARIANCE, type HeadKind, type SsnHead, ssnHead } from './head'
export type { AsyncOptions } from './kernels/run-jobs-async'
export { disposeWorkers, setWorkerCount } from './kernels/worker-pool'
export {
  type MonteCarloNll,
  type MonteCarloNllOptions,
  monteCarloNll,
  monteCarloNllAsync,
} from './loss/monte-carlo-nll'
export { Calibration, type CalibrationBin } from './metrics/calibration'
export { dice } from './metrics/dice'
export {
  type Evaluation,
  type EvaluationFigures,
  evaluate,
  type SampledCase,
  type Sampler,
} from './metrics/evaluation'
export {
  type GeneralizedEnergyDistance,
  generalizedEnergyDistance,
  sampleDiversity,
  unbiasedGeneralizedEnergyDistance,
} from './metrics/generalized-energy-distance'
export { hungarianMatchedIou } from './metrics/hungarian-matched-iou'
export { iou, iouDistance } from './metrics/iou'
export type { LabelMapSizes } from './metrics/label-maps'
export { normalizedCrossCorrelation } from './metrics/normalized-cross-correlation'
export { quantile } from './metrics/quantile'
export { RunningMean } from './metrics/running-mean'
export { type SampleQuality, sampleQuality } from './metrics/sample-quality'
export { distributionSampler, imageBlindSampler } from './metrics/samplers'
export { type SetMetrics, setMetrics } from './metrics/set-metrics'
export { drawNoise, type Noise, standardNormals } from './noise/draw-noise'
export type { NoiseOptions } from './noise/noise-options'
export { NOISE_WGSL } from './noise/noise-wgsl'
export { philox4x32 } from './noise/philox'
export { randomInteger, shuffledIndices } from './noise/random-integers'
export {
  marginalEntropy,
  marginalEntropyAsync,
  marginalProbabilities,
  marginalProbabilitiesAsync,
  type SampleStatistics,
  sampleStatistics,
  sampleStatisticsAsync,
} from './sampling/marginal-probabilities'
export { meanLabelMap } from './sampling/mean-label-map'
export {
  type LabelMapOptions,
  sampleLabelMaps,
  sampleLabelMapsAsync,
  sampleLabelMapsIterator,
} from './sampling/sample-label-maps'
export { sampleLogits, sampleLogitsAsync } from './sampling/sample-logits'
export type { SamplingOptions } from './sampling/sampling-options'
export type { NamedBatch, SkippedCase } from './training/batches'
export {
  type CaseTransform,
  chainTransforms,
  type SizedCase,
  type TransformDraw,
} from './training/case-transform'
export { type BatchLabels, centreLabels } from './training/centre-labels'
export {
  type Checkpoint,
  type CheckpointName,
  type CheckpointStore,
  memoryCheckpoints,
  type Validation,
} from './training/checkpoint'
export { learningRateAt, type Schedule } from './training/learning-rate'
export { clipGradients } from './training/optimizers/clip-gradients'
export { Optimizer, type ParameterState } from './training/optimizers/optimizer'
export {
  type LayoutConversion,
  type NamedShape,
  optimizerState,
  optimizerWeights,
} from './training/optimizers/optimizer-state'
export type {
  AdamOptions,
  OptimizerOptions,
  RmsPropOptions,
  RuleInWgsl,
  UpdateRule,
  UpdateSettings,
  Values,
  WeightDecay,
} from './training/optimizers/update-rule'
export { splitAverage, WeightAverage, withAverage } from './training/optimizers/weight-average'
export { type PatchOptions, patches, repeatCases } from './training/patches'
export {
  type StepReport,
  type TrainingRun,
  type TrainingSummary,
  train,
  type ValidationReport,
} from './training/trainer'
export type {
  EngineState,
  StepOptions,
  StepResult,
  TrainingBatch,
  TrainingEngine,
} from './training/training-engine'
export { type LossGradients, type TrainingLossOptions, trainingLoss } from './training/training-loss'
export {
  type RequestedTrainingOptions,
  type TrainingOptions,
  trainingOptions,
} from './training/training-options'
export type { Weight, Weights } from './weights'
export type { Border } from './whole-image/border'
export {
  checkInputSize,
  type InputSizes,
  type NetworkGeometry,
  paddedSize,
} from './whole-image/network-geometry'
export { isOutOfMemory } from './whole-image/out-of-memory'
export {
  type Predict,
  predictWholeImage,
  type WholeImageOptions,
  type WholeImages,
  wholeImagePrediction,
} from './whole-image/predict-whole-image'
