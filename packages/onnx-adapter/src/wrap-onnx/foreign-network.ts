// Test support: files as other tools write them, made from a spec: a body, a last convolution, and what comes after it.
import { checkWeights, initialWeights, type NetworkSpec } from '@stochseg/backbones'
import { ssnHead } from '@stochseg/core'
import { encodeOnnxModel, type OnnxInitializer, type OnnxModel, type OnnxNode } from '../protobuf/onnx-model'
import { readConstant } from '../protobuf/read-graph'
import { wireFields } from '../protobuf/wire-reader'
import { WireWriter } from '../protobuf/wire-writer'
import { onnxBody } from '../spec-graph'

/** A node with one output, which names it. */
export function node(
  operation: string,
  inputs: readonly string[],
  output: string,
  attributes: OnnxNode['attributes'] = {},
): OnnxNode {
  return { name: output, operation, inputs, outputs: [output], attributes }
}

/** A vector of whole numbers as a constant. */
export function integers(name: string, values: readonly number[]): OnnxInitializer {
  return { name, shape: [values.length], data: BigInt64Array.from(values, BigInt) }
}

/**
 * A network whose last convolution `classifier` gives `classes` channels; `beginning` and `ending` stand
 * around it.
 */
export function foreignNetwork(
  spec: NetworkSpec,
  classes: number,
  ending: readonly OnnxNode[],
  changes: Partial<OnnxModel> = {},
  beginning: readonly OnnxNode[] = [],
): Uint8Array {
  const head = ssnHead({ kind: 'deterministic', classes })
  const weights = initialWeights(spec, head, { seed: 3 })
  checkWeights(spec, head, weights)
  const parts = onnxBody(spec)
  const axes = ['d', 'h', 'w'].slice(-spec.dimensions)
  return encodeOnnxModel({
    name: 'foreign',
    operatorSet: 17,
    nodes: [
      ...beginning,
      ...parts.flatMap(({ nodes }) => nodes),
      node('Conv', [spec.features, 'classifier.weight', 'classifier.bias'], 'classifier'),
      ...ending,
    ],
    inputs: [{ name: 'image', shape: ['n', spec.inputs[0]!.channels, ...axes] }],
    outputs: [{ name: ending.at(-1)?.outputs[0] ?? 'classifier' }],
    metadata: new Map([['made', 'elsewhere']]),
    ...changes,
    initializers: [
      ...[...weights].map(([name, { shape, data }]) => ({
        name: name.replace('head.mean', 'classifier'),
        shape,
        data,
      })),
      ...parts.flatMap(({ constants }) => constants),
      ...(changes.initializers ?? []),
    ],
  })
}

/** The same model with its float32 constants in a file of their own, as PyTorch writes large models. */
export function withExternalWeights(model: Uint8Array): {
  readonly external: Uint8Array
  readonly file: Uint8Array
} {
  const pieces: Uint8Array[] = []
  const external = new WireWriter()
  for (const { number, value } of wireFields(model)) {
    if (typeof value === 'bigint') external.integer(number, Number(value))
    else if (number !== 7) external.bytes(number, value)
    else external.message(7, (graph) => moveConstants(graph, value, pieces))
  }
  const file = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  pieces.reduce((offset, piece) => {
    file.set(piece, offset)
    return offset + piece.length
  }, 0)
  return { external: external.finish(), file }
}

function moveConstants(writer: WireWriter, graph: Uint8Array, pieces: Uint8Array[]): void {
  for (const { number, value } of wireFields(graph)) {
    const values = number === 5 ? readConstant(value as Uint8Array).values() : undefined
    if (!values) {
      writer.bytes(number, value as Uint8Array)
      continue
    }
    const offset = pieces.reduce((sum, { length }) => sum + length, 0)
    pieces.push(new Uint8Array(values.buffer))
    const entries = { location: 'weights.bin', offset: String(offset), length: String(4 * values.length) }
    writer.message(5, (tensor) => {
      for (const part of wireFields(value as Uint8Array)) {
        if (part.number !== 9) tensor.copy(part)
      }
      for (const [key, text] of Object.entries(entries)) {
        tensor.message(13, (entry) => entry.string(1, key).string(2, text))
      }
      tensor.integer(14, 1)
    })
  }
}
