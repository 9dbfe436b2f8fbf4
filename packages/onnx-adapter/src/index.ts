// The public face of @stochseg/onnx-adapter.
export { type ExportOptions, exportOnnx } from './export-onnx'
export type { ModelMetadata } from './model-metadata'
export { OnnxSegmenter, type SegmenterOptions } from './onnx-segmenter'
