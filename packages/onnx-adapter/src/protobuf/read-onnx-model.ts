// What a file says about itself: the names of its graph's inputs and outputs, and its metadata. Weights are skipped.
import { ModelError } from '@stochseg/core'
import { bytesOf, noModel, wireFields } from './wire-reader'

/** An ONNX file's outside. */
export interface OnnxSummary {
  /** Inputs without a value of their own. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly metadata: ReadonlyMap<string, string>
}

/** Reads the outside of an ONNX file. Throws {@link ModelError} for bytes that are no ONNX model. */
export function readOnnxModel(bytes: Uint8Array): OnnxSummary {
  const metadata = new Map<string, string>()
  let graph: Uint8Array | undefined
  for (const { number, value } of wireFields(bytes)) {
    if (number === 7) graph = bytesOf(value)
    if (number === 14) metadata.set(textField(bytesOf(value), 1), textField(bytesOf(value), 2))
  }
  if (!graph) throw noModel('no graph')

  const inputs: string[] = []
  const outputs: string[] = []
  const initializers = new Set<string>()
  for (const { number, value } of wireFields(graph)) {
    if (number === 5) initializers.add(textField(bytesOf(value), 8))
    if (number === 11) inputs.push(textField(bytesOf(value), 1))
    if (number === 12) outputs.push(textField(bytesOf(value), 1))
  }
  return { inputs: inputs.filter((name) => !initializers.has(name)), outputs, metadata }
}

function textField(message: Uint8Array, wanted: number): string {
  for (const { number, value } of wireFields(message)) {
    if (number === wanted) return new TextDecoder().decode(bytesOf(value))
  }
  return ''
}
