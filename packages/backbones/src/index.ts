// The public face of @stochseg/backbones.
export { builtInBackbones } from './built-in-backbones'
export {
  type DeepmedicOptions,
  deepmedic,
  deepmedicBrats,
  patchSizes,
} from './deepmedic'
export {
  type Backbone,
  type BackboneDefinition,
  type BackboneOption,
  type BackboneOptions,
  type BackboneTask,
  defineBackbone,
} from './define-backbone'
export { describeNode, networkDiagram, networkTable } from './describe-network'
export { checkInputSize, type Geometry, geometryOf, type InputSizes, paddedSize } from './geometry'
export { headNodes, headOutputs } from './head'
export { type InitialWeightsOptions, initialWeights } from './initial-weights'
export { type MeshnetOptions, meshnet } from './meshnet'
export { type NetworkCost, type NodeCost, networkCost } from './network-cost'
export type * from './network-spec'
export { type Predict, paddedPrediction } from './padded-prediction'
export {
  checkWeights,
  type Initializer,
  type Parameter,
  parameterCount,
  parametersOf,
} from './parameters'
export { type InterpretOptions, interpretNetwork, interpretSpec } from './reference-interpreter'
export type { ReferenceTensor } from './reference-tensor'
export { fromReleasedDeepmedic, releasedDeepmedicName } from './released-deepmedic'
export { type ImportModule, resolveBackbone } from './resolve-backbone'
export { decodeSafetensors, encodeSafetensors } from './safetensors'
export { convolutionPadding, tensorChannels, tensorShapes } from './tensor-shapes'
export { type UnetOptions, unet, unetLidc } from './unet'
export { networkSpec } from './validate'
