// A network and its weights as an `.onnx` file: float32, any batch and image size that the network takes.
import { checkWeights, geometryOf, headOutputs, type NetworkSpec, networkSpec } from '@stochseg/backbones'
import { ModelError, type SsnHead, type Weights } from '@stochseg/core'
import { encodeMetadata } from './model-metadata'
import { encodeOnnxModel, type OnnxValue } from './protobuf/onnx-model'
import { onnxBody, onnxHead } from './spec-graph'

/** What is exported. */
export interface ExportOptions {
  readonly spec: NetworkSpec
  readonly head: SsnHead
  readonly weights: Weights
  /** Own entries for the file's metadata, e.g. class names and how images are normalised. */
  readonly properties?: Readonly<Record<string, string>>
}

/**
 * The bytes of an `.onnx` file (operator set 17).
 *
 * Its input is the spec's, `[batch, channels, *S]`; its outputs are `mean [N,C,*S]` and, where the head has them,
 * `factor [N,C·R,*S]` (channel = c·R + r) and `diagonal [N,C,*S]` (variances). Weights keep their names.
 * Throws {@link ModelError} for weights that are not the network's, and for a network of several inputs.
 */
export function exportOnnx({ spec, head, weights, properties = {} }: ExportOptions): Uint8Array {
  networkSpec(spec)
  checkWeights(spec, head, weights)
  const [image, ...others] = spec.inputs
  if (others.length > 0) {
    throw new ModelError(`export of ${spec.name}`, {
      found: `${spec.inputs.length} inputs`,
      expected: 'one input, the image',
      remedy: 'Derive the other inputs from it by crops and slices',
    })
  }
  const geometry = geometryOf(spec)
  const graph = [...onnxBody(spec), onnxHead(spec, head)]

  const axes = ['depth', 'height', 'width'].slice(-spec.dimensions)
  const keepsSize = String(geometry.outputSize(geometry.minimumSize)) === String(geometry.minimumSize)
  const outputAxes = keepsSize ? axes : axes.map((axis) => `output_${axis}`)
  const outputs = headOutputs(head).map(({ name, channels }): OnnxValue => {
    return { name: name === 'logDiagonal' ? 'diagonal' : name, shape: ['batch', channels, ...outputAxes] }
  })

  return encodeOnnxModel({
    name: spec.name,
    nodes: graph.flatMap((part) => part.nodes),
    initializers: [
      ...[...weights].map(([name, { shape, data }]) => ({ name, shape, data })),
      ...graph.flatMap((part) => part.constants),
    ],
    inputs: [{ name: image!.name, shape: ['batch', image!.channels, ...axes] }],
    outputs,
    metadata: encodeMetadata({
      head,
      backbone: spec.name,
      channels: image!.channels,
      dimensions: spec.dimensions,
      minimumSize: geometry.minimumSize,
      multipleOf: geometry.multipleOf,
      receptiveField: geometry.receptiveField,
      network: spec,
      properties,
    }),
  })
}
