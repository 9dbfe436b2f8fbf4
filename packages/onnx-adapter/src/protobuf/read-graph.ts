// The main graph of an ONNX file: what its nodes read and write, without copying a weight.
import { ModelError } from '@stochseg/core'
import { bytesOf, noModel, wireFields } from './wire-reader'

/** A node of the main graph. */
export interface GraphNode {
  /** Its first output's name where it has none of its own. */
  readonly name: string
  readonly operation: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
}

/** An input or output of the graph; ONNX's number for its type, 0 where it is not said. */
export interface GraphValue {
  readonly name: string
  readonly type: number
  /** A string stands for a length known only at run time, '' for one without a name; none where no shape is said. */
  readonly shape?: readonly (number | string)[]
}

/** A constant tensor. */
export interface GraphConstant {
  readonly name: string
  readonly type: number
  readonly shape: readonly number[]
  /** Float32 values that lie in the file itself. */
  values(): Float32Array | undefined
  /** The file that its values lie in. */
  readonly externalFile?: string
}

/** An ONNX file taken apart as far as surgery needs. */
export interface OnnxGraph {
  readonly formatVersion: number
  /** Version of ONNX's own operators. */
  readonly operatorSet: number
  readonly name: string
  readonly nodes: readonly GraphNode[]
  readonly constants: ReadonlyMap<string, GraphConstant>
  /** Inputs without a value of their own. */
  readonly inputs: readonly GraphValue[]
  readonly outputs: readonly GraphValue[]
  readonly metadata: ReadonlyMap<string, string>
}

/** Reads a file's main graph. Throws {@link ModelError} for bytes that are no ONNX model. */
export function readGraph(model: Uint8Array): OnnxGraph {
  const metadata = new Map<string, string>()
  let graph: Uint8Array | undefined
  let formatVersion = 0
  let operatorSet = 0
  for (const { number, value } of wireFields(model)) {
    if (number === 1) formatVersion = Number(value)
    if (number === 7) graph = bytesOf(value)
    if (number === 8 && textField(value, 1) === '') operatorSet = integerField(value, 2)
    if (number === 14) metadata.set(textField(value, 1), textField(value, 2))
  }
  if (!graph) throw noModel('no graph')

  const nodes: GraphNode[] = []
  const constants = new Map<string, GraphConstant>()
  const [inputs, outputs]: GraphValue[][] = [[], []]
  let name = ''
  for (const { number, value } of wireFields(graph)) {
    if (number === 1) nodes.push(readNode(bytesOf(value)))
    if (number === 2) name = text(value)
    if (number === 5) {
      const constant = readConstant(bytesOf(value))
      constants.set(constant.name, constant)
    }
    if (number === 11) inputs!.push(readValue(value))
    if (number === 12) outputs!.push(readValue(value))
  }
  return {
    ...{ formatVersion, operatorSet, name, nodes, constants, metadata },
    inputs: inputs!.filter((input) => !constants.has(input.name)),
    outputs: outputs!,
  }
}

/** A NodeProto. */
export function readNode(message: Uint8Array): GraphNode {
  const inputs: string[] = []
  const outputs: string[] = []
  let name = ''
  let operation = ''
  for (const { number, value } of wireFields(message)) {
    if (number === 1) inputs.push(text(value))
    if (number === 2) outputs.push(text(value))
    if (number === 3) name = text(value)
    if (number === 4) operation = text(value)
  }
  return { name: name || (outputs[0] ?? ''), operation, inputs, outputs }
}

/** A TensorProto. */
export function readConstant(message: Uint8Array): GraphConstant {
  const shape: number[] = []
  let name = ''
  let type = 0
  let bytes: Uint8Array | undefined
  let external: string | undefined
  for (const { number, value } of wireFields(message)) {
    if (number === 1) shape.push(...integers(value))
    if (number === 2) type = Number(value)
    if (number === 8) name = text(value)
    // Little-endian in both fields: raw, and packed floats.
    if ((number === 4 || number === 9) && typeof value !== 'bigint') bytes = value
    if (number === 13 && textField(value, 1) === 'location') external = textField(value, 2)
  }
  const count = shape.reduce((product, length) => product * length, 1)
  return {
    ...{ name, type, shape },
    // A copy: in the file it may stand at any byte.
    values: () =>
      type === 1 && bytes?.length === 4 * count ? new Float32Array(bytes.slice().buffer) : undefined,
    ...(external === undefined ? {} : { externalFile: external }),
  }
}

function readValue(message: bigint | Uint8Array): GraphValue {
  const tensor = messageField(messageField(bytesOf(message), 2), 1)
  const shape: (number | string)[] = []
  let hasShape = false
  for (const { number, value } of wireFields(tensor)) {
    if (number !== 2) continue
    hasShape = true
    for (const dimension of wireFields(bytesOf(value))) {
      if (dimension.number !== 1) continue
      const [length] = [...wireFields(bytesOf(dimension.value))]
      shape.push(length?.number === 1 ? Number(length.value) : length ? text(length.value) : '')
    }
  }
  const value = { name: textField(message, 1), type: integerField(tensor, 1) }
  return hasShape ? { ...value, shape } : value
}

/** The last of a message's fields with that number: writing one again replaces it. */
function lastField(message: bigint | Uint8Array, wanted: number): bigint | Uint8Array | undefined {
  let found: bigint | Uint8Array | undefined
  for (const { number, value } of wireFields(bytesOf(message))) if (number === wanted) found = value
  return found
}

function messageField(message: Uint8Array, wanted: number): Uint8Array {
  return bytesOf(lastField(message, wanted) ?? new Uint8Array(0))
}

function textField(message: bigint | Uint8Array, wanted: number): string {
  return text(lastField(message, wanted) ?? new Uint8Array(0))
}

function integerField(message: bigint | Uint8Array, wanted: number): number {
  return Number(lastField(message, wanted) ?? 0)
}

/** Repeated integers, packed or one by one. */
function integers(value: bigint | Uint8Array): number[] {
  if (typeof value === 'bigint') return [Number(BigInt.asIntN(64, value))]
  // A packed list is a message's bytes without its tags: a tag before each number makes it one.
  const tagged: number[] = []
  let starts = true
  for (const byte of value) {
    if (starts) tagged.push(8)
    tagged.push(byte)
    starts = byte < 128
  }
  return [...wireFields(Uint8Array.from(tagged))].flatMap((field) => integers(field.value))
}

function text(value: bigint | Uint8Array): string {
  return new TextDecoder().decode(bytesOf(value))
}
