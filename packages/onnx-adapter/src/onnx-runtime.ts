// ONNX Runtime, loaded when it is first needed: the package that has the device.
import { RuntimeUnavailableError } from '@stochseg/core'
import type { RuntimeName } from './devices/runtime-of'
import { node } from './node'

/** The parts of ONNX Runtime's packages that are used. */
export type OnnxRuntime = Pick<typeof import('onnxruntime-common'), 'InferenceSession' | 'Tensor' | 'env'>

/** Throws {@link RuntimeUnavailableError} with the line that installs it. */
export async function loadOnnxRuntime(name: RuntimeName): Promise<OnnxRuntime> {
  // Written out, for bundlers to see what is imported; `await import` in a `try`, for them to let it be missing.
  try {
    switch (name) {
      case 'onnxruntime-node':
        return await import('onnxruntime-node')
      case 'onnxruntime-web':
        return await import('onnxruntime-web')
      case 'onnxruntime-web/wasm':
        return await import('onnxruntime-web/wasm')
      case 'onnxruntime-web/webgpu':
        return await import('onnxruntime-web/webgpu')
    }
  } catch (cause) {
    throw runtimeMissing(name, cause)
  }
}

/** In Node, the file that a package is imported from. Throws {@link RuntimeUnavailableError} where it is not installed. */
export function runtimePath(name: RuntimeName): string {
  try {
    return node!('node:module')
      .createRequire(import.meta.url)
      .resolve(name)
  } catch (cause) {
    throw runtimeMissing(name, cause)
  }
}

function runtimeMissing(name: RuntimeName, cause: unknown): RuntimeUnavailableError {
  const [packageName] = name.split('/')
  // onnxruntime-node's install script fetches CUDA libraries, and fails where it cannot; other devices need none of them.
  const flag = name === 'onnxruntime-node' ? ' --ignore-scripts' : ''
  return new RuntimeUnavailableError('ONNX Runtime', {
    found: cause instanceof Error ? cause.message.split('\n')[0]! : String(cause),
    expected: `the package ${packageName}`,
    remedy: `Install it with: npm install${flag} ${packageName}`,
    cause,
  })
}
