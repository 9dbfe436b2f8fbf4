// Test support: a file in ONNX Runtime as it is, whatever its inputs and outputs.
import { InferenceSession, Tensor } from 'onnxruntime-node'

/** A tensor of the runtime in plain form. */
export interface RunTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array | Uint8Array
}

/** All outputs for these inputs. */
export async function runOnnx(
  bytes: Uint8Array,
  inputs: Readonly<Record<string, RunTensor>>,
): Promise<Record<string, RunTensor>> {
  const session = await InferenceSession.create(bytes, { executionProviders: ['cpu'], logSeverityLevel: 3 })
  const feeds = Object.entries(inputs).map(([name, { shape, data }]) => {
    return [name, new Tensor(data as Float32Array, [...shape])] as const
  })
  const outputs = await session.run(Object.fromEntries(feeds))
  await session.release()
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { dims, data }]) => [name, { shape: dims, data } as RunTensor]),
  )
}
