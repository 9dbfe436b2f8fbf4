// The public face of @stochseg/tfjs-adapter.
export {}
