// The public face of @stochseg/onnx-adapter.
export {}
