// A TF.js graph model, TensorFlow operations that somebody converted, as an `.onnx` file.
import { ModelError } from '@stochseg/core'
import { GraphBuilder } from '../graph-builder'
import type { LayersModelArtefacts } from '../layers-model/layers-model-artefacts'
import { encodeOnnxModel, type OnnxValue } from '../protobuf/onnx-model'
import type { StoredWeight } from '../tfjs-weights'
import { type GraphModel, type GraphModelNode, readGraphModel, text } from './graph-model-artefacts'
import { type GraphTensor, type OperationCall, operandLike, operationError } from './graph-tensor'
import { emitLengths, type Lengths } from './lengths'
import { OPERATIONS } from './operations'

/** What `model.json` and its weights hold. */
export type GraphModelArtefacts = LayersModelArtefacts & { readonly signature?: unknown }

/** What of a graph model is exported. */
export interface GraphModelOptions {
  /** Nodes whose tensors are the outputs; the model's own unless given. What comes behind them is left out. */
  readonly outputs?: readonly string[]
  /** A node in the place of which images come in, with so many channels: what prepares them before it is left out. */
  readonly input?: { readonly name: string; readonly channels: number }
}

/**
 * The bytes of an `.onnx` file (operator set 17) that computes what the graph model does, planar: `[N, C, *S]` where the model
 * has `[N, *S, C]`; tensors of fewer axes are in TensorFlow's order. All are float32, images of integers and labels too. Sizes
 * are what the model says; the batch is free. Tensors have the nodes' names.
 *
 * For networks of convolutions on images or volumes: throws {@link ModelError} naming the operation that cannot be exported.
 */
export function exportGraphModel(
  artefacts: GraphModelArtefacts,
  options: GraphModelOptions = {},
): Uint8Array {
  const model = readGraphModel(artefacts)
  const inputs = options.input ? [cutInput(model, options.input)] : placeholders(model)
  const graph = new GraphBuilder('graph', 17)
  const tensors = emitGraph(model, graph, inputs)
  const outputs = (options.outputs ?? model.outputs).map((name) => tensors(nodeNamed(model, name).name))
  return encodeOnnxModel({
    ...{ name: 'graph model', operatorSet: 17, nodes: graph.nodes, initializers: graph.constants },
    inputs,
    outputs: outputs.map(({ name, axes }) => ({
      name,
      shape: ['batch', ...Array.from({ length: axes - 1 }, (_, axis) => `output_axis${axis}`)],
    })),
    metadata: new Map(),
  })
}

/** The tensor of a node; its operation, and those that it needs, are emitted when it is first asked for. */
function emitGraph(
  { nodes, constants }: GraphModel,
  graph: GraphBuilder,
  inputs: readonly OnnxValue[],
): (name: string) => GraphTensor {
  const axes = inputs[0]?.shape?.length ?? 0
  const emitted = new Map<string, GraphTensor>(inputs.map(({ name }) => [name, { name, axes }]))
  const operands = new Map<string, GraphTensor>()
  const constantTensor = (name: string, like: number): GraphTensor => {
    const { shape, data } = operandLike(constants.get(name)!, like, axes)
    const key = `${name} ${shape}`
    const known = operands.get(key)
    if (known) return known
    const operand = { name: graph.floats(data, shape), axes: shape.length }
    operands.set(key, operand)
    return operand
  }
  // Converted from TensorFlow 2, a constant may be read by way of Identity.
  const origin = (name: string): string => {
    const node = nodes.get(name)
    return node?.operation === 'Identity' ? origin(node.inputs[0]!) : name
  }
  const constantOf = (name: string): StoredWeight | undefined => constants.get(origin(name))
  const tensorOf = (name: string, like?: number): GraphTensor => {
    const constant = constantOf(name)
    if (constant) return constantTensor(origin(name), like ?? constant.shape.length)
    const known = emitted.get(name)
    if (known) return known
    const call = callOf(nodes.get(name)!)
    const emit = OPERATIONS[call.node.operation]
    if (!emit) {
      const expected = `one of ${Object.keys(OPERATIONS).join(', ')}`
      throw operationError(call, `operation ${call.node.operation}`, expected)
    }
    const format = text(call.node, 'data_format')
    if (format.startsWith('NC')) throw operationError(call, `data format ${format}`, 'channels last')
    const tensor = emit(call)
    emitted.set(name, tensor)
    return tensor
  }
  const source = {
    ...{ graph, axes, tensor: tensorOf, constant: constantOf, known: new Map<string, Lengths>() },
    node: (name: string) => nodes.get(name)!,
  }
  const callOf = (node: GraphModelNode): OperationCall => ({
    ...{ graph, node, axes },
    tensor: (input, like) => tensorOf(node.inputs[input]!, like),
    isConstant: (input) => constantOf(node.inputs[input] ?? '') !== undefined,
    constant: (input) => {
      const found = constantOf(node.inputs[input] ?? '')
      if (found) return found
      throw operationError({ node }, `input ${input} computed by the network`, 'a constant')
    },
    lengths: (input) => emitLengths(node.inputs[input]!, source),
    producer: (input) => callOf(nodes.get(node.inputs[input]!)!),
  })
  return tensorOf
}

function placeholders({ nodes }: GraphModel): OnnxValue[] {
  return [...nodes.values()].filter(({ operation }) => operation === 'Placeholder').map(inputValue)
}

function inputValue({ name, attributes }: GraphModelNode): OnnxValue {
  const sizes = (attributes.get('shape')?.shape?.dim ?? []).map(({ size }) => Number(size))
  const channels = sizes.at(-1) ?? -1
  if ((sizes.length !== 4 && sizes.length !== 5) || channels < 1) {
    throw new ModelError(`input '${name}'`, {
      found: `shape [${sizes}]`,
      expected: '[N, *S, channels] of 4 or 5 axes with a known number of channels',
      remedy: "Convert the model with the shape of its input, or give the option 'input'",
    })
  }
  const spatial = sizes.slice(1, -1).map((size, axis) => (size > 0 ? size : `axis${axis}`))
  return { name, shape: ['batch', channels, ...spatial] }
}

/** An image in the place of a node: of as many axes as the model's convolutions have. */
function cutInput(model: GraphModel, { name, channels }: { name: string; channels: number }): OnnxValue {
  const isVolume = [...model.nodes.values()].some(({ operation }) => operation === 'Conv3D')
  const spatial = Array.from({ length: isVolume ? 3 : 2 }, (_, axis) => `axis${axis}`)
  return { name: nodeNamed(model, name).name, shape: ['batch', channels, ...spatial] }
}

function nodeNamed({ nodes }: GraphModel, name: string): GraphModelNode {
  const node = nodes.get(name)
  if (node) return node
  const similar = [...nodes.keys()].filter((other) => other.includes(name) || name.includes(other))
  throw new ModelError('graph model', {
    found: `no node '${name}'`,
    expected: `a node, e.g. ${(similar.length > 0 ? similar : [...nodes.keys()].slice(-5)).slice(0, 5).join(', ')}`,
    remedy: 'Give the name as a graph viewer (netron.app) shows it',
  })
}
