// The public face of @stochseg/data.
export {}
