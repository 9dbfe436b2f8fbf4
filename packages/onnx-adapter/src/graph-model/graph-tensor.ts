// Tensors of a graph model as they are emitted: those with as many axes as the images are planar, `[N, C, *S]` where
// TensorFlow has `[N, *S, C]`; all others have TensorFlow's order.
import { ModelError } from '@stochseg/core'
import type { GraphBuilder } from '../graph-builder'
import type { OnnxAttribute } from '../protobuf/onnx-model'
import { permuted, type StoredWeight } from '../tfjs-weights'
import type { GraphModelNode } from './graph-model-artefacts'
import type { Lengths } from './lengths'

/** A tensor of the ONNX graph. */
export interface GraphTensor {
  readonly name: string
  /** Batch and channels included. */
  readonly axes: number
}

/** What an operation is emitted from. */
export interface OperationCall {
  readonly graph: GraphBuilder
  readonly node: GraphModelNode
  /** Axes of the images, batch and channels included. */
  readonly axes: number
  /** An input that is computed, or a constant in the order of a tensor of `like` axes. */
  readonly tensor: (input: number, like?: number) => GraphTensor
  /** The value of an input that must be a constant. */
  readonly constant: (input: number) => StoredWeight
  readonly isConstant: (input: number) => boolean
  /** An input that holds whole numbers, constant or computed from shapes. */
  readonly lengths: (input: number) => Lengths
  /** The node that computes an input, and what it is emitted from. */
  readonly producer: (input: number) => OperationCall
}

/** Emits an operation, its output under the node's name. */
export type EmitOperation = (call: OperationCall) => GraphTensor

/** A constant to meet tensors of `axes` axes as it met them in TensorFlow, by its last axes. */
export function operandLike({ shape, data }: StoredWeight, axes: number, imageAxes: number): StoredWeight {
  if (shape.length === 0 || axes !== imageAxes) return { shape, data }
  const full = { shape: [...Array<number>(axes - shape.length).fill(1), ...shape], data }
  return permuted(full, [0, axes - 1, ...Array.from({ length: axes - 2 }, (_, axis) => axis + 1)])
}

/** Where an axis of TensorFlow's, perhaps negative, is in a tensor. */
export function axisOf({ axes: imageAxes }: OperationCall, { axes }: GraphTensor, axis: number): number {
  const positive = axis < 0 ? axis + axes : axis
  if (axes !== imageAxes || positive === 0) return positive
  return positive === axes - 1 ? 1 : positive + 1
}

/** A tensor in TensorFlow's order. */
export function plain({ graph, axes: imageAxes }: OperationCall, { name, axes }: GraphTensor): string {
  if (axes !== imageAxes) return name
  const order = [0, ...Array.from({ length: axes - 2 }, (_, axis) => axis + 2), 1]
  return graph.operator('Transpose', [name], { perm: { ints: order } })
}

/** Emits an operation that gives a tensor in TensorFlow's order, under the node's name. */
export function emitPlain(
  { graph, node, axes: imageAxes }: OperationCall,
  operation: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, OnnxAttribute>>,
  axes: number,
): GraphTensor {
  if (axes !== imageAxes) {
    return { name: graph.operator(operation, inputs, attributes, node.name), axes }
  }
  const order = [0, axes - 1, ...Array.from({ length: axes - 2 }, (_, axis) => axis + 1)]
  const given = graph.operator(operation, inputs, attributes)
  return { name: graph.operator('Transpose', [given], { perm: { ints: order } }, node.name), axes }
}

/** An operation, or a setting of one, that cannot be exported. */
export function operationError(
  { node }: Pick<OperationCall, 'node'>,
  found: string,
  expected: string,
): ModelError {
  return new ModelError(`${node.operation} '${node.name}'`, {
    found,
    expected,
    remedy:
      "Cut the model before it by the option 'outputs' (--output), or convert it by another tool (tf2onnx) and wrap the .onnx file",
  })
}
