// ONNX Runtime, loaded when it is first needed.
import { RuntimeUnavailableError } from '@stochseg/core'

/** The parts of `onnxruntime-node` that are used. */
export type OnnxRuntime = Pick<typeof import('onnxruntime-node'), 'InferenceSession' | 'Tensor'>

/** Throws {@link RuntimeUnavailableError} with the line that installs it. */
export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  try {
    return await import('onnxruntime-node')
  } catch (cause) {
    throw new RuntimeUnavailableError('ONNX Runtime', {
      found: cause instanceof Error ? cause.message : String(cause),
      expected: 'the package onnxruntime-node',
      // Its install script fetches CUDA libraries, and fails where it cannot; the CPU needs none of them.
      remedy: 'Install it with: npm install --ignore-scripts onnxruntime-node',
      cause,
    })
  }
}
