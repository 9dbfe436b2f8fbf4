// Other names for the tensors of an ONNX file's main graph.
import { bytesOf, type WireField, wireFields } from './wire-reader'
import { WireWriter } from './wire-writer'

/** By a graph's fields: where their messages have names, of nodes, constants, inputs, outputs, and values inside. */
const NAMES: Readonly<Record<number, readonly number[]>> = { 1: [1, 2, 3], 5: [8], 11: [1], 12: [1], 13: [1] }

/**
 * A model whose nodes and tensors are called what `rename` makes of their names; what keeps its names is copied byte for byte.
 * Throws `ModelError` for no ONNX model.
 */
export function renameTensors(model: Uint8Array, rename: (name: string) => string): Uint8Array {
  const writer = new WireWriter()
  for (const field of wireFields(model)) {
    if (field.number === 7) writer.message(7, (graph) => renameInGraph(graph, field, rename))
    else writer.copy(field)
  }
  return writer.finish()
}

function renameInGraph(
  writer: WireWriter,
  { value: graph }: WireField,
  rename: (name: string) => string,
): void {
  for (const field of wireFields(bytesOf(graph))) {
    const names = NAMES[field.number] ?? []
    const parts = names.length > 0 ? [...wireFields(bytesOf(field.value))] : []
    const renamed = parts.map((part) => (names.includes(part.number) ? renamedField(part, rename) : part))
    if (renamed.every((part, index) => part === parts[index])) writer.copy(field)
    else {
      writer.message(field.number, (message) => {
        for (const part of renamed) message.copy(part)
      })
    }
  }
}

/** The same field where the name stays. */
function renamedField(field: WireField, rename: (name: string) => string): WireField {
  const name = new TextDecoder().decode(bytesOf(field.value))
  const other = rename(name)
  return other === name ? field : { number: field.number, value: new TextEncoder().encode(other) }
}
