// The public face of @stochseg/backbones.
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
export { convolutionPadding, tensorChannels, tensorShapes } from './tensor-shapes'
export { type UnetOptions, unet, unetLidc } from './unet'
export { networkSpec } from './validate'
