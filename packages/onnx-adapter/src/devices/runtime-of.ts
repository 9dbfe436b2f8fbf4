// Which package of ONNX Runtime has a device here.
import { node } from '../node'
import type { Device } from './device'

/** A package, or a part of one. Node has native providers; `onnxruntime-web` alone is WebAssembly for Node. */
export type RuntimeName =
  | 'onnxruntime-node'
  | 'onnxruntime-web'
  | 'onnxruntime-web/wasm'
  | 'onnxruntime-web/webgpu'

/** The package that runs models on a device, in Node or in a browser. */
export function runtimeOf(device: Device): RuntimeName {
  if (node) return device === 'wasm' ? 'onnxruntime-web' : 'onnxruntime-node'
  // Its WebGPU build can do without WebGPU too, but is twice as large.
  return device === 'webgpu' ? 'onnxruntime-web/webgpu' : 'onnxruntime-web/wasm'
}
