// An ONNX file with some of it exchanged. What is not named here is copied byte for byte, known to us or not.
import {
  type OnnxInitializer,
  type OnnxNode,
  type OnnxValue,
  writeNode,
  writeTensor,
  writeValue,
} from './onnx-model'
import { readConstant } from './read-graph'
import { bytesOf, noModel, type WireField, wireFields } from './wire-reader'
import { WireWriter } from './wire-writer'

/** What is exchanged, and what comes on top. */
export interface ModelChanges {
  /** In place of all inputs without a value of their own. */
  readonly inputs?: readonly OnnxValue[]
  /** In place of all outputs. */
  readonly outputs?: readonly OnnxValue[]
  /** Before and after the nodes that are there. */
  readonly nodesBefore?: readonly OnnxNode[]
  readonly nodesAfter?: readonly OnnxNode[]
  /** Constants; one of a name that is there replaces it. */
  readonly constants?: readonly OnnxInitializer[]
  /** In place of all metadata. */
  readonly metadata?: ReadonlyMap<string, string>
  /** Leave out what the file says about the shapes of tensors inside, e.g. because sizes are free now. */
  readonly forgetShapes?: boolean
}

/** The least version of the format in which a constant need not be an input too. */
const LEAST_FORMAT = 4

/** A model with changes. Throws `ModelError` for bytes that are no protocol buffers message. */
export function rewriteModel(model: Uint8Array, changes: ModelChanges): Uint8Array {
  const writer = new WireWriter()
  for (const field of wireFields(model)) {
    if (field.number === 1) writer.integer(1, Math.max(formatOf(field), LEAST_FORMAT))
    else if (field.number === 7) writer.message(7, (graph) => rewriteGraph(graph, field, changes))
    else if (!(field.number === 14 && changes.metadata)) writer.copy(field)
  }
  for (const [key, value] of changes.metadata ?? []) {
    writer.message(14, (entry) => entry.string(1, key).string(2, value))
  }
  return writer.finish()
}

function formatOf({ value }: WireField): number {
  if (typeof value === 'bigint') return Number(value)
  throw noModel('a version of the format that is no number')
}

function rewriteGraph(writer: WireWriter, { value }: WireField, changes: ModelChanges): void {
  const fields = [...wireFields(bytesOf(value))]
  const { inputs, outputs, nodesBefore = [], nodesAfter = [], constants = [], forgetShapes } = changes
  const constantNames = fields.filter(({ number }) => number === 5).map(nameOfConstant)
  const own = new Set(constantNames)
  const replaced = new Set(constants.map(({ name }) => name))

  for (const node of nodesBefore) writer.message(1, (message) => writeNode(message, node))
  for (const field of fields) {
    const { number } = field
    const goes =
      (number === 5 && replaced.has(nameOfConstant(field))) ||
      (number === 11 && inputs && !own.has(nameOfValue(field))) ||
      (number === 12 && outputs) ||
      (number === 13 && forgetShapes)
    if (!goes) writer.copy(field)
  }
  for (const node of nodesAfter) writer.message(1, (message) => writeNode(message, node))
  for (const constant of constants) writer.message(5, (message) => writeTensor(message, constant))
  for (const input of inputs ?? []) writer.message(11, (message) => writeValue(message, input))
  for (const output of outputs ?? []) writer.message(12, (message) => writeValue(message, output))
}

function nameOfConstant({ value }: WireField): string {
  return readConstant(bytesOf(value)).name
}

function nameOfValue({ value }: WireField): string {
  for (const field of wireFields(bytesOf(value))) {
    if (field.number === 1) return new TextDecoder().decode(bytesOf(field.value))
  }
  return ''
}
