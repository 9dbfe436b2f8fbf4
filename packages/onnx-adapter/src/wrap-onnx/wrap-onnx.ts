// Heads on a network that somebody else trained: what it computes stays as it is, three convolutions come on top.
import { initialWeights } from '@stochseg/backbones'
import { ModelError, type SsnHead, ssnHead, ValueError, type Weight, type Weights } from '@stochseg/core'
import { GraphBuilder } from '../graph-builder'
import { encodeMetadata, isStochastic } from '../model-metadata'
import { inlineExternalData, type ReadExternalFile } from '../protobuf/external-data'
import type { OnnxValue } from '../protobuf/onnx-model'
import { type OnnxGraph, readGraph } from '../protobuf/read-graph'
import { renameTensors } from '../protobuf/rename-tensors'
import { rewriteModel } from '../protobuf/rewrite-model'
import type { OutputValues } from '../session/onnx-session'
import { onnxHead } from '../spec-graph'
import { type FoundHead, findHead, type NamedTensors } from './find-head'
import { HEAD_INPUT, headSpec } from './head-spec'
import { type Intensities, imageInput, type Layout } from './image-input'
import { AS_FLOAT32, probeNetwork } from './probe-network'
import { resizedLike } from './resized-like'

/** How a network is wrapped. */
export interface WrapOptions extends NamedTensors {
  /** 1 where the network has one logit (sigmoid), else the number of its logits. */
  readonly classes: number
  /** Columns of the covariance factor; 10 unless given, 0 for a diagonal head. */
  readonly rank?: number | undefined
  /** Order of the input's axes; seen from its shape unless given. */
  readonly layout?: Layout | undefined
  /** From the intensities of stochseg's images (bytes are v / 255 − ½) to those that the network was trained on. */
  readonly intensities?: Intensities | undefined
  /** Where the log-diagonal starts; −8 unless given. */
  readonly logDiagonalBias?: number | undefined
  /** Standard deviation, about, that the factor's part of the logits starts with in each column; 0.1 unless given. */
  readonly factorScale?: number | undefined
  /** Of the factor's first weights; 0 unless given. */
  readonly seed?: number | undefined
  /** Reads files that hold the model's weights. */
  readonly externalData?: ReadExternalFile | undefined
  /** Own entries for the file's metadata. */
  readonly properties?: Readonly<Record<string, string>> | undefined
}

/** Resize with half-pixel linear interpolation, and its layers' shapes, are what is needed; they came with 11. */
const LEAST_OPERATOR_SET = 11

/** Names that the heads bring. */
const NEW_NAMES = /^(mean|factor|diagonal|logDiagonal|(head|wrapped)\..*)$/

/** What a tensor of the network is called in the wrapped file. */
function ownName(name: string): string {
  return NEW_NAMES.test(name) ? `network.${name}` : name
}

/**
 * A network with an SSN head, as an `.onnx` file that `OnnxSegmenter` loads.
 *
 * The heads are 1×1 convolutions on the network's features and logits side by side (features are resized to the logits'
 * size, linearly, where they are smaller). At first the mean is the network's logits, exactly (resized to the image's size,
 * linearly, where they are a whole number of times smaller); the log-diagonal is constant and the factor small and random:
 * train them ({@link FrozenFeatures}). Which sizes the network takes is found out by running it; fixed shapes are freed where
 * it runs with others. Everything else in the file stays as it is, but for tensors that are called as the heads' are: `mean`
 * becomes `network.mean`. A deterministic network that stochseg exported is wrapped like any other.
 *
 * Throws {@link ModelError} for a file that is damaged, quantised, of several inputs, of an operator set before 11 or
 * otherwise not to be wrapped (it says why), and for another number of logits than classes; {@link ValueError} for
 * options out of range; `RuntimeUnavailableError` without ONNX Runtime.
 */
export async function wrapOnnx(bytes: Uint8Array, options: WrapOptions): Promise<Uint8Array> {
  const { classes, rank = 10, properties = {} } = options
  const head = ssnHead({ kind: rank === 0 ? 'diagonal' : 'low-rank', classes, rank })
  const given = await inlineExternalData(bytes, options.externalData)
  checkGraph(readGraph(given))
  const model = renameTensors(given, ownName)
  const graph = readGraph(model)
  const image = imageInput(graph, options.layout, options.intensities)
  const found = findHead(graph, ownNames(options))

  const { free, batch, sizes, features, logits } = await probeNetwork(model, graph, image, found)
  checkLogits(found, logits, head, features)
  const channels = features.dims[1]! + classes
  const spec = headSpec(channels, image.dimensions)
  const heads = onnxHead({ ...spec, features: HEAD_INPUT }, head)
  const resized = String(features.dims.slice(2)) !== String(logits.dims.slice(2))
  const joined = joinedFeatures(graph, resized)
  const weights = firstWeights(head, features, logits, options)

  const axes = ['depth', 'height', 'width'].slice(-image.dimensions)
  const keepsSize = String(logits.dims.slice(2)) === String(sizes.usual)
  const outputAxes = sizes.fixedSize
    ? logits.dims.slice(2)
    : keepsSize
      ? axes
      : axes.map((axis) => `output_${axis}`)
  const output = (name: string, count: number): OnnxValue => ({ name, shape: [batch, count, ...outputAxes] })
  return rewriteModel(free, {
    inputs: [{ name: image.name, shape: [batch, image.channels, ...(sizes.fixedSize ? sizes.usual : axes)] }],
    outputs: [
      output('mean', classes),
      output('diagonal', classes),
      ...(rank > 0 ? [output('factor', classes * rank)] : []),
    ],
    nodesAfter: [...joined.nodes, ...heads.nodes],
    constants: [
      ...joined.constants,
      ...heads.constants,
      ...[...weights].map(([name, { shape, data }]) => ({ name, shape, data })),
    ],
    metadata: encodeMetadata({
      head,
      backbone: graph.name || 'wrapped network',
      channels: image.channels,
      dimensions: image.dimensions,
      minimumSize: sizes.minimumSize,
      multipleOf: sizes.multipleOf,
      receptiveField: sizes.receptiveField,
      ...(sizes.fixedSize ? { fixedSize: true } : {}),
      ...(typeof batch === 'number' ? { fixedBatch: batch } : {}),
      properties: {
        ...foreignProperties(graph),
        features: found.features,
        logits: found.logits,
        ...properties,
      },
    }),
  })
}

function ownNames({ output, features, logits }: NamedTensors): NamedTensors {
  const own = (name: string | undefined): string | undefined => name && ownName(name)
  return { output: own(output), features: own(features), logits: own(logits) }
}

function checkGraph({ operatorSet, metadata, outputs }: OnnxGraph): void {
  if (operatorSet < LEAST_OPERATOR_SET) {
    throw new ModelError('ONNX network', {
      found: `operator set ${operatorSet}`,
      expected: `${LEAST_OPERATOR_SET} or later`,
      remedy: 'Convert it first (onnx.version_converter), or export it again',
    })
  }
  const names = outputs.map(({ name }) => name)
  if (!isStochastic(metadata) && !(names.includes('mean') && names.includes('diagonal'))) return
  throw new ModelError('ONNX network', {
    found: 'a network that has an SSN head',
    expected: 'one without',
    remedy: 'Use it as it is; its heads can be trained',
  })
}

function checkLogits(
  { logits: name, features: read }: FoundHead,
  logits: OutputValues,
  { classes }: SsnHead,
  features: OutputValues,
): void {
  const [found] = logits.dims.slice(1)
  if (found !== classes) {
    throw new ModelError(`logits '${name}'`, {
      found: `${found} channels`,
      expected: `${classes}, one for each class`,
      remedy: `Give ${found} classes${found === 1 ? ' (1 is binary, sigmoid)' : ''}, or name the tensor of other logits`,
    })
  }
  const larger = features.dims.slice(2).some((length, axis) => length > logits.dims[axis + 2]!)
  if (larger) {
    throw new ModelError(`features '${read}'`, {
      found: `size ${features.dims.slice(2).join(' × ')}`,
      expected: `no more than the logits' ${logits.dims.slice(2).join(' × ')}`,
      remedy: 'Name features of the size of the logits, or smaller',
    })
  }
}

/** Features, resized where they need it, and logits as one tensor, the heads' input. */
function joinedFeatures({ operatorSet }: OnnxGraph, resized: boolean): GraphBuilder {
  const { features, logits } = AS_FLOAT32
  const graph = new GraphBuilder(HEAD_INPUT, operatorSet)
  const wide = resized ? resizedLike(graph, features, logits) : features
  graph.operator('Concat', [wide, logits], { axis: { int: 1 } }, HEAD_INPUT)
  return graph
}

/** The mean is the logits; the log-diagonal is constant; each column of the factor moves logits by about `factorScale`. */
function firstWeights(
  head: SsnHead,
  features: OutputValues,
  logits: OutputValues,
  { logDiagonalBias = -8, factorScale = 0.1, seed = 0 }: WrapOptions,
): Weights {
  if (!(factorScale > 0 && Number.isFinite(factorScale))) {
    throw new ValueError('factorScale', {
      found: String(factorScale),
      expected: 'a number > 0',
      remedy: 'Leave it out for 0.1',
    })
  }
  const width = features.dims[1]!
  const channels = width + head.classes
  const spec = headSpec(channels, (features.dims.length - 2) as 2 | 3)
  // He's variance is 2 / channels for channels of mean square 1.
  const meanSquare = (2 * (sumOfSquares(features) * width + sumOfSquares(logits) * head.classes)) / channels
  const given = initialWeights(spec, head, {
    ...{ seed, logDiagonalBias },
    factorScale: factorScale / Math.max(Math.sqrt(meanSquare), 1e-6),
  })
  const weight = (name: string, values: (row: number, channel: number) => number): [string, Weight] => {
    const { shape } = given.get(name)!
    const data = Float32Array.from({ length: head.classes * channels }, (_, index) =>
      values(Math.floor(index / channels), index % channels),
    )
    return [name, { shape, data }]
  }
  return new Map([
    ...given,
    weight('head.mean.weight', (klass, channel) => (channel === width + klass ? 1 : 0)),
    weight('head.logDiagonal.weight', () => 0),
  ])
}

/** Per value. */
function sumOfSquares({ data }: OutputValues): number {
  return data!.reduce((sum, value) => sum + value * value, 0) / data!.length
}

function foreignProperties({ metadata }: OnnxGraph): Record<string, string> {
  return Object.fromEntries([...metadata].filter(([name]) => !name.startsWith('stochseg.')))
}
