// The public face of @stochseg/onnx-adapter.
export type { Device, DeviceAttempt, DeviceChoice } from './devices/device'
export { type DeviceReport, probeDevices } from './devices/probe-devices'
export { type ExportOptions, exportOnnx } from './export-onnx'
export {
  exportGraphModel,
  type GraphModelArtefacts,
  type GraphModelOptions,
} from './graph-model/export-graph-model'
export {
  exportLayersModel,
  type LayersModelOptions,
} from './layers-model/export-layers-model'
export type { LayersModelArtefacts, StoredWeightSpec } from './layers-model/layers-model-artefacts'
export type { ModelMetadata } from './model-metadata'
export { type DeviceDistribution, toDevice } from './on-device/device-distribution'
export {
  type DeviceLabelMapOptions,
  type DeviceMarginals,
  type DeviceSamplingOptions,
  marginalsOnDevice,
  sampleLabelMapsOnDevice,
} from './on-device/sample-on-device'
export { OnnxSegmenter, type SegmenterOptions } from './onnx-segmenter'
export {
  type PredictWholeOptions,
  predictWhole,
  segmenterGeometry,
  type TiledSegmenter,
} from './predict-whole'
export type { GraphSampler } from './sampler-graph/sampler-graph'
export type { StartWorker } from './worker/thread-session'
export { type Features, FrozenFeatures, hasHeads, withHeads } from './wrap-onnx/frozen-features'
export type { Intensities, Layout } from './wrap-onnx/image-input'
export { type WrapOptions, wrapOnnx } from './wrap-onnx/wrap-onnx'
