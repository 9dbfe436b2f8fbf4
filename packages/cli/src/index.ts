// The public face of @stochseg/cli.
export {}
