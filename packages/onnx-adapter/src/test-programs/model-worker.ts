// Test support, a worker in a browser: a model's program into which the bundler has put ONNX Runtime.
import { serveModel } from '../worker/serve-model'

serveModel(async () => {
  const runtime = await import('onnxruntime-web/wasm')
  runtime.env.wasm.wasmPaths = { wasm: '/runtime/ort-wasm-simd-threaded.wasm' }
  return runtime
})
