// The public face of @stochseg/backbones.
export {
  checkInputSize,
  type InputSizes,
  type NetworkGeometry as Geometry,
  type Predict,
  paddedSize,
} from '@stochseg/core'
export { builtInBackbones } from './networks/built-in-backbones'
export {
  type DeepmedicOptions,
  deepmedic,
  deepmedicBrats,
  patchSizes,
} from './networks/deepmedic'
export {
  type Backbone,
  type BackboneDefinition,
  type BackboneOption,
  type BackboneOptions,
  type BackboneTask,
  defineBackbone,
} from './networks/define-backbone'
export { type MeshnetOptions, meshnet } from './networks/meshnet'
export { fromReleasedDeepmedic, releasedDeepmedicName } from './networks/released-deepmedic'
export { type ImportModule, resolveBackbone } from './networks/resolve-backbone'
export { type UnetOptions, unet, unetLidc } from './networks/unet'
export { type InterpretOptions, interpretNetwork, interpretSpec } from './reference/reference-interpreter'
export type { ReferenceTensor } from './reference/reference-tensor'
export { describeNode, networkDiagram, networkTable } from './spec/describe-network'
export { geometryOf } from './spec/geometry'
export { type NetworkCost, type NodeCost, networkCost } from './spec/network-cost'
export type * from './spec/network-spec'
export { convolutionPadding, tensorChannels, tensorShapes } from './spec/tensor-shapes'
export { networkSpec } from './spec/validate'
export { auxiliaryNodes, withoutAuxiliary } from './weights/auxiliary'
export { headNodes, headOutputs } from './weights/head'
export { type InitialWeightsOptions, initialWeights } from './weights/initial-weights'
export {
  checkParameters,
  checkWeights,
  type Initializer,
  type Parameter,
  parameterCount,
  parametersOf,
} from './weights/parameters'
export { decodeSafetensors, encodeSafetensors } from './weights/safetensors'
