// A TF.js graph model, TensorFlow operations that somebody converted, as an `.onnx` file.
import { ModelError } from '@stochseg/core'
import { GraphBuilder } from '../graph-builder'
import type { LayersModelArtefacts } from '../layers-model/layers-model-artefacts'
import { encodeOnnxModel, type OnnxValue } from '../protobuf/onnx-model'
import { type GraphModelNode, readGraphModel } from './graph-model-artefacts'
import { OPERATIONS, operationError, planarOperand } from './operations'

/** What `model.json` and its weights hold. */
export type GraphModelArtefacts = LayersModelArtefacts & { readonly signature?: unknown }

/**
 * The bytes of an `.onnx` file (operator set 17) that computes what the graph model does, planar: `[N, C, *S]` where the model
 * has `[N, *S, C]`. Sizes are what the model says; the batch is free. Tensors have the nodes' names.
 *
 * For networks of convolutions on images or volumes: throws {@link ModelError} naming the operation that cannot be exported.
 */
export function exportGraphModel(artefacts: GraphModelArtefacts): Uint8Array {
  const { nodes, outputs, constants } = readGraphModel(artefacts)
  const inputs = [...nodes.values()].filter(({ operation }) => operation === 'Placeholder')
  const values = inputs.map(inputValue)
  const axes = values[0]?.shape?.length ?? 0
  const graph = new GraphBuilder('graph', 17)

  const emitted = new Set(inputs.map(({ name }) => name))
  const operands = new Map<string, string>()
  const tensorOf = (name: string): string => {
    const node = nodes.get(name)!
    if (node.operation === 'Const') {
      const known = operands.get(name)
      if (known !== undefined) return known
      const { shape, data } = planarOperand(constants.get(name)!, axes)
      operands.set(name, graph.floats(data, shape, name))
      return name
    }
    if (!emitted.has(name)) emit(node)
    return name
  }
  const emit = (node: GraphModelNode): void => {
    const emitOperation = OPERATIONS[node.operation]
    if (!emitOperation) {
      throw operationError(
        { node },
        `operation ${node.operation}`,
        `one of ${Object.keys(OPERATIONS).join(', ')}`,
      )
    }
    emitOperation({
      ...{ graph, node, axes },
      tensor: (input) => tensorOf(node.inputs[input]!),
      constant: (input) => {
        const found = constants.get(node.inputs[input] ?? '')
        if (found) return found
        throw operationError({ node }, `input ${input} computed by the network`, 'a constant')
      },
    })
    emitted.add(node.name)
  }
  for (const output of outputs) tensorOf(output)
  return encodeOnnxModel({
    ...{ name: 'graph model', operatorSet: 17, nodes: graph.nodes, initializers: graph.constants },
    inputs: values,
    outputs: outputs.map((name) => ({
      name,
      shape: ['batch', ...Array.from({ length: axes - 1 }, (_, axis) => `output_axis${axis}`)],
    })),
    metadata: new Map(),
  })
}

function inputValue({ name, attributes }: GraphModelNode): OnnxValue {
  const sizes = (attributes.get('shape')?.shape?.dim ?? []).map(({ size }) => Number(size))
  const channels = sizes.at(-1) ?? -1
  if ((sizes.length !== 4 && sizes.length !== 5) || channels < 1) {
    throw new ModelError(`input '${name}'`, {
      found: `shape [${sizes}]`,
      expected: '[N, *S, channels] of 4 or 5 axes with a known number of channels',
      remedy: 'Convert the model with the shape of its input',
    })
  }
  const spatial = sizes.slice(1, -1).map((size, axis) => (size > 0 ? size : `axis${axis}`))
  return { name, shape: ['batch', channels, ...spatial] }
}
