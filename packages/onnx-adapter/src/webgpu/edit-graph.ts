// Replacing nodes of an ONNX file without taking it apart: everything else is copied as it stands.
import { type OnnxInitializer, type OnnxNode, writeNode, writeTensor } from '../protobuf/onnx-model'
import { type GraphConstant, type GraphNode, readConstant, readNode } from '../protobuf/read-graph'
import { bytesOf, type WireField, wireFields } from '../protobuf/wire-reader'
import { WireWriter } from '../protobuf/wire-writer'

/** A node with those of its attributes that decide where it can run. */
export interface AttributedNode extends GraphNode {
  /** Whole numbers, alone or in a list. */
  readonly integers: ReadonlyMap<string, readonly number[]>
  readonly strings: ReadonlyMap<string, string>
}

/** What takes a node's place: nodes, and constants that these need. */
export interface Replacement {
  readonly nodes: readonly OnnxNode[]
  readonly constants: readonly OnnxInitializer[]
}

/** Constants of the main graph by name. */
export type GraphConstants = ReadonlyMap<string, GraphConstant>

type Edit = (node: AttributedNode, constants: GraphConstants) => Replacement | undefined

/**
 * The model with each node of the main graph as `edit` wants it: replaced, or (undefined) left as it is. Nodes without
 * a name get one. Throws `ModelError` for bytes that are no ONNX model.
 */
export function editGraph(model: Uint8Array, edit: Edit): Uint8Array {
  const writer = new WireWriter()
  for (const field of wireFields(model)) {
    if (field.number === 7) writer.bytes(7, editedGraph(bytesOf(field.value), edit))
    else copy(writer, field)
  }
  return writer.finish()
}

function editedGraph(graph: Uint8Array, edit: Edit): Uint8Array {
  const constants = new Map<string, GraphConstant>()
  for (const { number, value } of wireFields(graph)) {
    if (number !== 5) continue
    const constant = readConstant(bytesOf(value))
    constants.set(constant.name, constant)
  }
  const writer = new WireWriter()
  for (const field of wireFields(graph)) {
    if (field.number !== 1) {
      copy(writer, field)
      continue
    }
    const message = bytesOf(field.value)
    const node = { ...readNode(message), ...readAttributes(message) }
    const replacement = edit(node, constants)
    for (const constant of replacement?.constants ?? []) {
      writer.message(5, (tensor) => writeTensor(tensor, constant))
    }
    for (const other of replacement?.nodes ?? [])
      writer.message(1, (nodeWriter) => writeNode(nodeWriter, other))
    // A field that is written again replaces what stood there before.
    if (!replacement) writer.bytes(1, joined(message, new WireWriter().string(3, node.name).finish()))
  }
  return writer.finish()
}

function readAttributes(node: Uint8Array): Pick<AttributedNode, 'integers' | 'strings'> {
  const integers = new Map<string, number[]>()
  const strings = new Map<string, string>()
  for (const attribute of wireFields(node)) {
    if (attribute.number !== 5) continue
    const numbers: number[] = []
    let name = ''
    for (const { number, value } of wireFields(bytesOf(attribute.value))) {
      if (number === 1) name = text(value)
      // Lists of ONNX files have a tag before each number.
      if ((number === 3 || number === 8) && typeof value === 'bigint')
        numbers.push(Number(BigInt.asIntN(64, value)))
      if (number === 4) strings.set(name, text(value))
    }
    if (numbers.length > 0) integers.set(name, numbers)
  }
  return { integers, strings }
}

/** Fields of models and graphs are messages, text and whole numbers only. */
function copy(writer: WireWriter, { number, value }: WireField): void {
  if (typeof value === 'bigint') writer.integer(number, Number(BigInt.asIntN(64, value)))
  else writer.bytes(number, value)
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length)
  bytes.set(first)
  bytes.set(second, first.length)
  return bytes
}

function text(value: bigint | Uint8Array): string {
  return typeof value === 'bigint' ? '' : new TextDecoder().decode(value)
}
