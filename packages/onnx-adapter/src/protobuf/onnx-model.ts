// ONNX models as plain data, and their bytes (field numbers: github.com/onnx/onnx/blob/main/onnx/onnx.proto3).
import { WireWriter } from './wire-writer'

/** The value of a node's attribute: integers and floats look alike in JavaScript, so it says which. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly string: string }

/** Types of values, by ONNX's numbers. */
const ELEMENT_TYPES = { float32: 1, uint8: 2, int64: 7, float16: 10 } as const

export type ElementType = keyof typeof ELEMENT_TYPES

export interface OnnxNode {
  readonly name: string
  readonly operation: string
  /** An empty name leaves an optional input out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>
}

/** A constant of the graph: float32, int64, or the bits of float16. */
export interface OnnxInitializer {
  readonly name: string
  readonly shape: readonly number[]
  readonly data: Float32Array | BigInt64Array | Uint16Array
}

/** An input or output; a string stands for a length known only at run time. */
export interface OnnxValue {
  readonly name: string
  /** Without it neither shape nor type is said: a runtime finds out by itself. */
  readonly shape?: readonly (number | string)[]
  /** float32 unless given. */
  readonly type?: ElementType
}

export interface OnnxModel {
  readonly name: string
  readonly operatorSet: number
  readonly nodes: readonly OnnxNode[]
  readonly initializers: readonly OnnxInitializer[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
  readonly metadata: ReadonlyMap<string, string>
}

/** The version of the format that came with an operator set (github.com/onnx/onnx/blob/main/docs/Versioning.md). */
function formatVersion(operatorSet: number): number {
  if (operatorSet <= 14) return 7
  if (operatorSet <= 18) return 8
  return operatorSet <= 20 ? 9 : 10
}

/** A model as the bytes of an `.onnx` file. */
export function encodeOnnxModel(model: OnnxModel): Uint8Array {
  const writer = new WireWriter()
    .integer(1, formatVersion(model.operatorSet))
    .string(2, 'stochseg')
    .message(7, (graph) => writeGraph(graph, model))
    .message(8, (operators) => operators.string(1, '').integer(2, model.operatorSet))
  for (const [key, value] of model.metadata) {
    writer.message(14, (entry) => entry.string(1, key).string(2, value))
  }
  return writer.finish()
}

function writeGraph(graph: WireWriter, model: OnnxModel): void {
  for (const node of model.nodes) graph.message(1, (writer) => writeNode(writer, node))
  graph.string(2, model.name)
  for (const initializer of model.initializers) graph.message(5, (writer) => writeTensor(writer, initializer))
  for (const input of model.inputs) graph.message(11, (writer) => writeValue(writer, input))
  for (const output of model.outputs) graph.message(12, (writer) => writeValue(writer, output))
}

/** A NodeProto. */
export function writeNode(writer: WireWriter, node: OnnxNode): void {
  for (const input of node.inputs) writer.string(1, input)
  for (const output of node.outputs) writer.string(2, output)
  writer.string(3, node.name).string(4, node.operation)
  for (const [name, attribute] of Object.entries(node.attributes ?? {})) {
    writer.message(5, (message) => writeAttribute(message.string(1, name), attribute))
  }
}

function writeAttribute(writer: WireWriter, attribute: OnnxAttribute): void {
  if ('float' in attribute) writer.float(2, attribute.float).integer(20, 1)
  else if ('int' in attribute) writer.integer(3, attribute.int).integer(20, 2)
  else if ('string' in attribute) writer.string(4, attribute.string).integer(20, 3)
  else {
    for (const value of attribute.ints) writer.integer(8, value)
    writer.integer(20, 7)
  }
}

/** A TensorProto. */
export function writeTensor(writer: WireWriter, { name, shape, data }: OnnxInitializer): void {
  for (const length of shape) writer.integer(1, length)
  const type = data instanceof Float32Array ? 'float32' : data instanceof Uint16Array ? 'float16' : 'int64'
  writer.integer(2, ELEMENT_TYPES[type]).string(8, name).bytes(9, littleEndian(data))
}

/** A ValueInfoProto. */
export function writeValue(writer: WireWriter, { name, shape, type: element = 'float32' }: OnnxValue): void {
  writer.string(1, name)
  if (!shape) return
  writer.message(2, (type) =>
    type.message(1, (tensor) =>
      tensor.integer(1, ELEMENT_TYPES[element]).message(2, (dimensions) => {
        for (const length of shape) {
          dimensions.message(1, (dimension) =>
            typeof length === 'number' ? dimension.integer(1, length) : dimension.string(2, length),
          )
        }
      }),
    ),
  )
}

function littleEndian(data: OnnxInitializer['data']): Uint8Array {
  // Every JavaScript engine that is shipped runs little-endian.
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
