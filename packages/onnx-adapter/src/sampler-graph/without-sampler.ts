// A file whose graph draws samples, without that: who has core needs the parameters alone.
import { type OnnxGraph, readGraph, readNode } from '../protobuf/read-graph'
import { readOnnxModel } from '../protobuf/read-onnx-model'
import { bytesOf, type WireField, wireFields } from '../protobuf/wire-reader'
import { WireWriter } from '../protobuf/wire-writer'

const PARAMETERS = ['mean', 'factor', 'diagonal']

/**
 * The part of a file that computes mean, factor and diagonal: what its sampler alone needs goes, noise inputs included. A file
 * without a sampler is given back as it is. Throws `ModelError` for bytes that are no ONNX model.
 */
export function withoutSampler(model: Uint8Array): Uint8Array {
  if (!readOnnxModel(model).metadata.has('stochseg.sampler')) return model
  const needed = neededTensors(readGraph(model))
  const writer = new WireWriter()
  for (const field of wireFields(model)) {
    if (field.number !== 7) writer.copy(field)
    else writer.message(7, (graph) => copyNeeded(graph, field, needed))
  }
  return writer.finish()
}

function neededTensors({ nodes }: OnnxGraph): ReadonlySet<string> {
  const needed = new Set(PARAMETERS)
  // ONNX's nodes stand in the order in which they run.
  for (const { inputs, outputs } of [...nodes].reverse()) {
    if (outputs.some((name) => needed.has(name))) for (const name of inputs) needed.add(name)
  }
  return needed
}

/** Copies a graph without the nodes, constants, inputs and outputs that nothing needs. */
function copyNeeded(writer: WireWriter, { value }: WireField, needed: ReadonlySet<string>): void {
  for (const field of wireFields(bytesOf(value))) {
    const names = namesOf(field)
    if (names === undefined || names.some((name) => needed.has(name))) writer.copy(field)
  }
}

/** What a graph's node, constant, input or output is known by; nothing for its other fields. */
function namesOf({ number, value }: WireField): readonly string[] | undefined {
  if (number === 1) return readNode(bytesOf(value)).outputs
  if (number === 5) return [nameIn(bytesOf(value), 8)]
  if (number === 11 || number === 12) return [nameIn(bytesOf(value), 1)]
  return undefined
}

function nameIn(message: Uint8Array, wanted: number): string {
  const field = [...wireFields(message)].find(({ number }) => number === wanted)
  return field ? new TextDecoder().decode(bytesOf(field.value)) : ''
}
