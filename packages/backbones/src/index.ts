// The public face of @stochseg/backbones.
export { checkInputSize, type Geometry, geometryOf, type InputSizes, paddedSize } from './geometry'
export { type InitialWeightsOptions, initialWeights } from './initial-weights'
export type * from './network-spec'
export {
  checkWeights,
  headOutputs,
  type Initializer,
  type Parameter,
  parameterCount,
  parametersOf,
} from './parameters'
export { interpretNetwork, interpretSpec, type ReferenceTensor } from './reference-interpreter'
export { decodeSafetensors, encodeSafetensors } from './safetensors'
export { convolutionPadding, tensorChannels, tensorShapes } from './tensor-shapes'
export { type UnetOptions, unet, unetLidc } from './unet'
export { networkSpec } from './validate'
