// A network and its weights as an `.onnx` file, for any batch and image size that the network takes unless they are fixed.
import {
  checkWeights,
  type Geometry,
  geometryOf,
  headOutputs,
  type NetworkSpec,
  networkSpec,
  type PerAxis,
  withoutAuxiliary,
} from '@stochseg/backbones'
import { ModelError, type SsnHead, ValueError, type Weights } from '@stochseg/core'
import { float16Weights } from './float16-weights'
import { encodeMetadata } from './model-metadata'
import { encodeOnnxModel, type OnnxModel, type OnnxValue } from './protobuf/onnx-model'
import { type GraphSampler, samplerGraph } from './sampler-graph/sampler-graph'
import { onnxBody, onnxHead } from './spec-graph'

/** What is exported, and how. */
export interface ExportOptions {
  readonly spec: NetworkSpec
  readonly head: SsnHead
  readonly weights: Weights
  /** Own entries for the file's metadata, e.g. class names and how images are normalised. */
  readonly properties?: Readonly<Record<string, string>>
  /** ONNX's operator set, from 13 to 22; 17 unless given, which ONNX Runtime 1.12 (2022) and all later ones read. */
  readonly operatorSet?: number
  /** Convolution kernels as float16: half the file. Each is off by at most 2⁻¹¹ of its size; arithmetic stays float32. */
  readonly float16Weights?: boolean
  /** A batch size and image size that the file is for; any unless given. */
  readonly fixed?: { readonly batch?: number | undefined; readonly spatial?: PerAxis | undefined }
  /** Samples drawn in the graph itself. */
  readonly sampler?: GraphSampler
}

/** Operator sets that are tested. */
const OPERATOR_SETS = { first: 13, usual: 17, last: 22 } as const

/**
 * The bytes of an `.onnx` file.
 *
 * Its input is the spec's, `[batch, channels, *S]`; its outputs are `mean [N,C,*S]` and, where the head has them,
 * `factor [N,C·R,*S]` (channel = c·R + r) and `diagonal [N,C,*S]` (variances). Weights keep their names. With a sampler,
 * see {@link GraphSampler}: further inputs `z [M,N,R]` and `epsilon [M,N,C,*S]` unless the noise is random, and further
 * outputs `sampleLogits [M,N,C,*S]` and `sampleLabels [M,N,*S]`.
 *
 * Throws {@link ModelError} for weights that are not the network's or that float16 cannot hold, for a network of several
 * inputs or whose names collide in the graph, and for 2 GiB or more; {@link ValueError} for options out of range; `ShapeError` for a fixed size that the network does not take.
 */
export function exportOnnx(options: ExportOptions): Uint8Array {
  const { head, properties = {}, operatorSet = OPERATOR_SETS.usual, sampler } = options
  networkSpec(options.spec)
  checkWeights(options.spec, head, options.weights)
  const { spec, weights } = withoutAuxiliary(options.spec, options.weights)
  checkOperatorSet(operatorSet)
  const image = onlyInput(spec)
  const geometry = geometryOf(spec)
  const { inputAxes, outputAxes } = axesOf(spec, geometry, options.fixed?.spatial)
  const batch = batchAxis(options.fixed?.batch)

  const body = onnxBody(spec)
  const parts = {
    nodes: [...body, onnxHead(spec, head)].flatMap((part) => part.nodes),
    constants: [
      ...[...weights].map(([name, { shape, data }]) => ({ name, shape, data })),
      ...[...body, onnxHead(spec, head)].flatMap((part) => part.constants),
    ],
  }
  const network = options.float16Weights ? float16Weights(parts) : parts
  const sampling = sampler && samplerGraph(head, sampler, operatorSet, { batch, spatial: outputAxes })
  const outputs = headOutputs(head).map(({ name, channels }): OnnxValue => {
    return { name: name === 'logDiagonal' ? 'diagonal' : name, shape: [batch, channels, ...outputAxes] }
  })

  const graph = {
    nodes: [...network.nodes, ...(sampling?.nodes ?? [])],
    initializers: [...network.constants, ...(sampling?.constants ?? [])],
    inputs: [{ name: image.name, shape: [batch, image.channels, ...inputAxes] }, ...(sampling?.inputs ?? [])],
  }
  checkNames(spec.name, graph)
  return encodeOnnxModel({
    ...{ name: spec.name, operatorSet, ...graph },
    outputs: [...outputs, ...(sampling?.outputs ?? [])],
    metadata: encodeMetadata({
      head,
      backbone: spec.name,
      channels: image.channels,
      dimensions: spec.dimensions,
      minimumSize: options.fixed?.spatial ?? geometry.minimumSize,
      multipleOf: geometry.multipleOf,
      receptiveField: geometry.receptiveField,
      ...(options.fixed?.spatial ? { fixedSize: true } : {}),
      ...(options.fixed?.batch === undefined ? {} : { fixedBatch: options.fixed.batch }),
      ...(sampler
        ? { sampler: sampler.noise === 'inputs' ? 'noise inputs' : 'random, not reproducible' }
        : {}),
      network: spec,
      properties,
    }),
  })
}

function onlyInput(spec: NetworkSpec): NetworkSpec['inputs'][number] {
  const [image, ...others] = spec.inputs
  if (others.length === 0) return image!
  throw new ModelError(`export of ${spec.name}`, {
    found: `${spec.inputs.length} inputs`,
    expected: 'one input, the image',
    remedy: 'Derive the other inputs from it by crops and slices',
  })
}

/** Tensors of a graph have names of their own, whether they are images, weights or computed. */
function checkNames(network: string, graph: Pick<OnnxModel, 'nodes' | 'initializers' | 'inputs'>): void {
  const { nodes, initializers, inputs } = graph
  const names = [
    ...[...inputs, ...initializers].map(({ name }) => name),
    ...nodes.flatMap((node) => node.outputs),
  ]
  const seen = new Set<string>()
  const twice = names.find((name) => seen.size === seen.add(name).size)
  if (twice === undefined) return
  throw new ModelError(`export of ${network}`, {
    found: `two tensors that are called '${twice}'`,
    expected:
      'one: weights are called <node>.<part>, a sampler has z, epsilon, sampleLogits, sampleLabels and sampler.…',
    remedy: 'Rename that node or input of the spec, and its weights',
  })
}

/** Names of the spatial axes, or their lengths where they are fixed. */
function axesOf(
  spec: NetworkSpec,
  geometry: Geometry,
  fixed: PerAxis | undefined,
): Record<'inputAxes' | 'outputAxes', readonly (number | string)[]> {
  if (fixed) return { inputAxes: fixed, outputAxes: geometry.outputSize(fixed) }
  const inputAxes = ['depth', 'height', 'width'].slice(-spec.dimensions)
  const keepsSize = String(geometry.outputSize(geometry.minimumSize)) === String(geometry.minimumSize)
  return { inputAxes, outputAxes: keepsSize ? inputAxes : inputAxes.map((axis) => `output_${axis}`) }
}

function batchAxis(batch: number | undefined): number | string {
  if (batch === undefined) return 'batch'
  if (Number.isInteger(batch) && batch >= 1) return batch
  throw new ValueError('fixed batch', {
    found: String(batch),
    expected: 'a whole number ≥ 1',
    remedy: 'Leave it out for batches of any size',
  })
}

function checkOperatorSet(operatorSet: number): void {
  const { first, last } = OPERATOR_SETS
  if (Number.isInteger(operatorSet) && operatorSet >= first && operatorSet <= last) return
  throw new ValueError('operator set', {
    found: String(operatorSet),
    expected: `a whole number from ${first} to ${last}`,
    remedy: 'Leave it out for 17, which every ONNX Runtime since 2022 reads',
  })
}
