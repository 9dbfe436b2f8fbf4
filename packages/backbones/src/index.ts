// The public face of @stochseg/backbones.
export type * from './network-spec'
