// Replacing nodes of an ONNX file without taking it apart: everything else is copied as it stands.
import { type OnnxInitializer, type OnnxNode, writeNode, writeTensor } from '../protobuf/onnx-model'
import { wireFields } from '../protobuf/wire-reader'
import { WireWriter } from '../protobuf/wire-writer'

/** A node of the main graph. */
export interface GraphNode {
  /** Its first output's name where it has none of its own. */
  readonly name: string
  readonly operation: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Attributes that are whole numbers, alone or in a list. */
  readonly integers: ReadonlyMap<string, readonly number[]>
  /** Attributes that are text. */
  readonly strings: ReadonlyMap<string, string>
}

/** A constant of the main graph. */
export interface GraphConstant {
  readonly shape: readonly number[]
  /** Its values; undefined unless they are float32 and in the file. */
  readonly values: () => Float32Array | undefined
}

/** What takes a node's place: nodes, and constants that these need. */
export interface Replacement {
  readonly nodes: readonly OnnxNode[]
  readonly constants: readonly OnnxInitializer[]
}

/** Constants by name. */
export type GraphConstants = ReadonlyMap<string, GraphConstant>

/**
 * The model with each node of the main graph as `edit` wants it: replaced, or (undefined) left as it is. Nodes without
 * a name get one. Throws `ModelError` for bytes that are no protocol buffers message.
 */
export function editGraph(
  model: Uint8Array,
  edit: (node: GraphNode, constants: GraphConstants) => Replacement | undefined,
): Uint8Array {
  const writer = new WireWriter()
  for (const { number, value } of wireFields(model)) {
    if (number === 7) writer.bytes(7, editedGraph(bytesOf(value), edit))
    else copy(writer, number, value)
  }
  return writer.finish()
}

function editedGraph(graph: Uint8Array, edit: Parameters<typeof editGraph>[1]): Uint8Array {
  const constants = new Map<string, GraphConstant>()
  for (const { number, value } of wireFields(graph)) {
    if (number === 5) constants.set(...readConstant(bytesOf(value)))
  }
  const writer = new WireWriter()
  for (const { number, value } of wireFields(graph)) {
    if (number !== 1) {
      copy(writer, number, value)
      continue
    }
    const node = readNode(bytesOf(value))
    const replacement = edit(node, constants)
    for (const constant of replacement?.constants ?? []) {
      writer.message(5, (tensor) => writeTensor(tensor, constant))
    }
    for (const other of replacement?.nodes ?? []) writer.message(1, (message) => writeNode(message, other))
    // A field that is written again replaces what stood there before.
    if (!replacement) writer.bytes(1, joined(bytesOf(value), new WireWriter().string(3, node.name).finish()))
  }
  return writer.finish()
}

function readNode(message: Uint8Array): GraphNode {
  const inputs: string[] = []
  const outputs: string[] = []
  const integers = new Map<string, number[]>()
  const strings = new Map<string, string>()
  let name = ''
  let operation = ''
  for (const { number, value } of wireFields(message)) {
    if (number === 1) inputs.push(text(value))
    if (number === 2) outputs.push(text(value))
    if (number === 3) name = text(value)
    if (number === 4) operation = text(value)
    if (number === 5) readAttribute(bytesOf(value), integers, strings)
  }
  return { name: name || outputs[0]!, operation, inputs, outputs, integers, strings }
}

function readAttribute(
  message: Uint8Array,
  integers: Map<string, number[]>,
  strings: Map<string, string>,
): void {
  let name = ''
  const values: number[] = []
  let string: string | undefined
  for (const { number, value } of wireFields(message)) {
    if (number === 1) name = text(value)
    if (number === 3 || number === 8) values.push(...numbers(value))
    if (number === 4) string = text(value)
  }
  if (values.length > 0) integers.set(name, values)
  if (string !== undefined) strings.set(name, string)
}

function readConstant(message: Uint8Array): [string, GraphConstant] {
  const shape: number[] = []
  let name = ''
  let isFloat32 = false
  let bytes: Uint8Array | undefined
  for (const { number, value } of wireFields(message)) {
    if (number === 1) shape.push(...numbers(value))
    if (number === 2) isFloat32 = value === 1n
    if (number === 8) name = text(value)
    // Little-endian in both fields: raw, and packed floats.
    if ((number === 4 || number === 9) && typeof value !== 'bigint') bytes = value
  }
  const count = shape.reduce((product, length) => product * length, 1)
  // A copy: in the file it may stand at any byte.
  const values = (): Float32Array | undefined =>
    isFloat32 && bytes?.length === 4 * count ? new Float32Array(bytes.slice().buffer) : undefined
  return [name, { shape, values }]
}

/** Repeated integers, packed or one by one. */
function numbers(value: bigint | Uint8Array): number[] {
  if (typeof value === 'bigint') return [Number(BigInt.asIntN(64, value))]
  // A packed list is a message's bytes without its tags: a tag before each number makes it one.
  const tagged: number[] = []
  let starts = true
  for (const byte of value) {
    if (starts) tagged.push(8)
    tagged.push(byte)
    starts = byte < 128
  }
  return [...wireFields(Uint8Array.from(tagged))].flatMap((field) => numbers(field.value))
}

/** Fields of models and graphs are messages, text and whole numbers only. */
function copy(writer: WireWriter, number: number, value: bigint | Uint8Array): void {
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
  return new TextDecoder().decode(bytesOf(value))
}

function bytesOf(value: bigint | Uint8Array): Uint8Array {
  return typeof value === 'bigint' ? new Uint8Array(0) : value
}
