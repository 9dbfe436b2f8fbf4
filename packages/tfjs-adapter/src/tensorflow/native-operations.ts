// The parts of tfjs-node's backend by which a kernel runs operations of TensorFlow itself.
import type { KernelBackend, Tensor } from '@tensorflow/tfjs-core'

/** An attribute of an operation; `type` is one of the binding's constants. */
interface Attribute {
  readonly name: string
  readonly type: number
  readonly value: number | string | boolean
}

/** tfjs-node's backend. */
export interface TensorflowBackend extends KernelBackend {
  readonly binding: {
    readonly TF_FLOAT: number
    readonly TF_ATTR_TYPE: number
    readonly TF_ATTR_FLOAT: number
    readonly TF_ATTR_BOOL: number
    readonly TF_ATTR_STRING: number
  }
  readonly isUsingGpuDevice: boolean
  executeMultipleOutputs(
    operation: string,
    attributes: readonly Attribute[],
    inputs: readonly Tensor[],
    outputs: number,
  ): Tensor[]
}

/** Attributes of an operation on float32: its type attributes, and values by name. */
export function attributes(
  { binding }: TensorflowBackend,
  types: readonly string[],
  values: Readonly<Record<string, number | string | boolean>> = {},
): Attribute[] {
  const kinds = {
    number: binding.TF_ATTR_FLOAT,
    string: binding.TF_ATTR_STRING,
    boolean: binding.TF_ATTR_BOOL,
  }
  return [
    ...types.map((name) => ({ name, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT })),
    ...Object.entries(values).map(([name, value]) => {
      return { name, type: kinds[typeof value as keyof typeof kinds], value }
    }),
  ]
}
