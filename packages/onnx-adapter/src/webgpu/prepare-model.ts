// What ONNX Runtime's WebGPU provider (1.30) takes and then fails on: 3D transposed convolutions and grouped 3D convolutions.
// Operators that it lacks altogether it leaves to the CPU by itself.
import { type AttributedNode, editGraph, type GraphConstants } from './edit-graph'
import { unfoldTransposedConvolution } from './unfold-transposed-convolution'

/** A model as it runs on a device. */
export interface Preparation {
  readonly model: Uint8Array
  /** Nodes that were replaced by others that compute the same. */
  readonly rewritten: readonly string[]
  /** Nodes that run on the CPU: their inputs and outputs are copied there and back. */
  readonly onCpu: readonly string[]
}

/**
 * A model that the WebGPU provider runs. 3D transposed convolutions whose stride is their kernel become a 1×1×1
 * convolution, whose channels are then laid out in space; what else it would fail on goes to the CPU.
 */
export function prepareForWebgpu(model: Uint8Array): Preparation {
  const rewritten: string[] = []
  const onCpu: string[] = []
  const edited = editGraph(model, (node, constants) => {
    if (!failsOnWebgpu(node, constants)) return undefined
    const replacement = unfoldTransposedConvolution(node, constants)
    ;(replacement ? rewritten : onCpu).push(node.name)
    return replacement
  })
  return { model: rewritten.length + onCpu.length > 0 ? edited : model, rewritten, onCpu }
}

function failsOnWebgpu({ operation, inputs, integers }: AttributedNode, constants: GraphConstants): boolean {
  const dimensions = (integers.get('kernel_shape') ?? constants.get(inputs[1] ?? '')?.shape.slice(2) ?? [])
    .length
  if (dimensions !== 3) return false
  const [groups = 1] = integers.get('group') ?? []
  return operation === 'ConvTranspose' || (operation === 'Conv' && groups > 1)
}
