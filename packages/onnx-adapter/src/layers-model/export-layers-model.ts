// A tf.LayersModel that somebody built or trained, as an `.onnx` file, from what TF.js saves of it.
import { headOutputs } from '@stochseg/backbones'
import { ModelError, ShapeError, type SsnHead } from '@stochseg/core'
import { GraphBuilder } from '../graph-builder'
import { encodeMetadata, type ModelMetadata } from '../model-metadata'
import { encodeOnnxModel, type OnnxValue } from '../protobuf/onnx-model'
import type { StoredWeight } from '../tfjs-weights'
import { ACTIVATION_LAYERS } from './activation-layers'
import { CONVOLUTION_LAYERS } from './convolution-layers'
import type { EmitLayer, LayerCall, PlanarTensor } from './layer-call'
import {
  type LayerReference,
  type LayersModelArtefacts,
  readStoredWeights,
  readTopology,
  type StoredLayer,
  type StoredModel,
} from './layers-model-artefacts'
import { SPATIAL_LAYERS } from './spatial-layers'
import { emitStochsegLayer } from './stochseg-layers'

/** How a layers model is exported. */
export interface LayersModelOptions {
  /** ONNX's operator set; 17 unless given. */
  readonly operatorSet?: number
  /**
   * The head that the model ends in: its outputs are, in this order, mean, log-diagonal and factor, as
   * `@stochseg/tfjs-adapter` builds and wraps them. The file is then one that `OnnxSegmenter` loads.
   */
  readonly head?: SsnHead
  /** What the file's metadata say beside the head, which TF.js does not know; needed with a head. */
  readonly geometry?: Pick<ModelMetadata, 'minimumSize' | 'multipleOf' | 'receptiveField'>
  readonly properties?: Readonly<Record<string, string>>
  /**
   * Whether DepthwiseConv2D layers with a dilation are dilated, as in Keras, or not, as in TF.js, which ignores it. To be said
   * where there are such layers.
   */
  readonly depthwiseDilation?: boolean
}

const LAYERS: Readonly<Record<string, EmitLayer>> = {
  ...CONVOLUTION_LAYERS,
  ...ACTIVATION_LAYERS,
  ...SPATIAL_LAYERS,
}

/**
 * The bytes of an `.onnx` file that computes what the model does in inference, planar: `[N, C, *S]` where the model has
 * `[N, *S, C]`. Batch and sizes are free, also where the model says them. Inputs, outputs and tensors have the layers' names,
 * `<model>/<layer>` in a model inside the model.
 *
 * Throws {@link ModelError} naming the layer that cannot be exported, for a graph model, and for weights that are missing.
 */
export function exportLayersModel(
  artefacts: LayersModelArtefacts,
  options: LayersModelOptions = {},
): Uint8Array {
  const { operatorSet = 17, head } = options
  const model = readTopology(artefacts)
  const graph = new GraphBuilder('layers', operatorSet)
  const { depthwiseDilation } = options
  const { inputs, outputs } = emitModel(model, {
    ...{ graph, depthwiseDilation, weights: readStoredWeights(artefacts) },
  })
  const named = head ? emitHead(graph, head, outputs) : outputs
  const metadata = head
    ? headMetadata(model, head, inputs, options)
    : Object.entries(options.properties ?? {})
  return encodeOnnxModel({
    ...{ name: model.name, operatorSet, nodes: graph.nodes, initializers: graph.constants },
    inputs: inputs.map((tensor) => tensorValue(tensor, '')),
    outputs: named.map((tensor) => tensorValue(tensor, 'output_')),
    metadata: new Map(metadata),
  })
}

interface Emitted {
  readonly inputs: readonly PlanarTensor[]
  readonly outputs: readonly PlanarTensor[]
}

/** What is the same for a model and the models inside it. */
interface Emission {
  readonly graph: GraphBuilder
  readonly weights: ReadonlyMap<string, StoredWeight>
  readonly depthwiseDilation: boolean | undefined
}

/**
 * @param given the inputs of a model inside another.
 * @param scope before the names of its layers.
 */
function emitModel(
  model: StoredModel,
  emission: Emission,
  given?: readonly PlanarTensor[],
  scope = '',
): Emitted {
  const layers = new Map(model.layers.map((layer) => [layer.name, layer]))
  const emitted = new Map<string, readonly PlanarTensor[]>()
  model.inputs.forEach(({ layer }, index) => {
    if (given) emitted.set(layer, [given[index]!])
  })
  const tensorOf = ({ layer: name, application, output }: LayerReference): PlanarTensor => {
    const key = application === 0 ? name : `${name}.${application}`
    const known = emitted.get(key)
    if (known) return known[output]!
    const layer = layers.get(name)!
    const tensors =
      layer.className === 'InputLayer'
        ? [inputTensor(layer)]
        : emitLayer(layer, layer.applications[application]!.map(tensorOf), scope + key)
    emitted.set(key, tensors)
    return tensors[output]!
  }
  const emitLayer = (
    layer: StoredLayer,
    inputs: readonly PlanarTensor[],
    output: string,
  ): readonly PlanarTensor[] => {
    if (layer.model) return emitModel(layer.model, emission, inputs, `${output}/`).outputs
    const weights = (part: string): StoredWeight => weightOf(layer, scope, part, emission.weights)
    const { graph, depthwiseDilation } = emission
    const named = { ...layer, name: scope + layer.name }
    return [emit({ graph, depthwiseDilation, layer: named, output, weights, inputs })]
  }
  return { inputs: model.inputs.map(tensorOf), outputs: model.outputs.map(tensorOf) }
}

function emit(call: LayerCall): PlanarTensor {
  const { className, name, config } = call.layer
  if (config.data_format === 'channels_first') {
    throw new ModelError(`${className} layer '${name}'`, {
      found: 'channels first',
      expected: 'channels last, as TF.js computes',
      remedy: 'Convert the model to channels last',
    })
  }
  const emitLayer = config.node !== undefined ? emitStochsegLayer : LAYERS[className]
  if (emitLayer) return emitLayer(call)
  throw new ModelError(`layer '${name}'`, {
    found: `a layer of class ${className}`,
    expected: `one of ${Object.keys(LAYERS).join(', ')}`,
    remedy: 'Replace the layer, or convert the model by another tool and wrap the .onnx file',
  })
}

function inputTensor({ name, config }: StoredLayer): PlanarTensor {
  const shape = (config.batch_input_shape ?? config.batch_shape) as (number | null)[] | undefined
  const channels = shape?.at(-1)
  if (shape && shape.length >= 3 && channels) return { name, axes: shape.length, channels }
  throw new ModelError(`input '${name}'`, {
    found: `shape ${JSON.stringify(shape)}`,
    expected: '[null, …, channels] with a known number of channels',
    remedy: 'Give the model an input shape',
  })
}

/** Names end in `<layer>/<part>`; Python adds `:0`, and prefixes of nested scopes. */
function weightOf(
  { name }: StoredLayer,
  scope: string,
  part: string,
  weights: ReadonlyMap<string, StoredWeight>,
): StoredWeight {
  const wanted = `${name}/${part}`
  const exact = weights.get(scope + wanted) ?? weights.get(wanted)
  if (exact) return exact
  const endIn = (end: string): StoredWeight[] =>
    [...weights].flatMap(([other, weight]) =>
      `/${other.replace(/:0$/, '')}`.endsWith(`/${end}`) ? [weight] : [],
    )
  const scoped = endIn(scope + wanted)
  const similar = scoped.length > 0 ? scoped : endIn(wanted)
  if (similar.length === 1) return similar[0]!
  throw new ModelError(`layer '${name}'`, {
    found: `${similar.length} weights '${wanted}'`,
    expected: 'one',
    remedy: 'Save the model again, with its weights',
  })
}

/** The contract's outputs: mean, variances instead of their logarithms, factor. */
function emitHead(graph: GraphBuilder, head: SsnHead, outputs: readonly PlanarTensor[]): PlanarTensor[] {
  const expected = headOutputs(head)
  const describe = (list: readonly { readonly name: string; readonly channels: number }[]): string =>
    list.map(({ name, channels }) => `${name} (${channels} channels)`).join(', ')
  const fits = expected.every(({ channels }, index) => outputs[index]?.channels === channels)
  if (outputs.length !== expected.length || !fits) {
    throw new ShapeError('outputs of the layers model', {
      found: describe(outputs),
      expected: describe(expected),
      remedy: 'Give the head that the model was wrapped with',
    })
  }
  return expected.map(({ name, channels }, index) => {
    const { name: tensor, axes } = outputs[index]!
    const output = name === 'logDiagonal' ? 'diagonal' : name
    if (name === 'logDiagonal') {
      const variance = graph.operator('Exp', [tensor])
      graph.operator('Add', [variance, graph.floats([head.epsilon], [])], {}, output)
    } else graph.operator('Identity', [tensor], {}, output)
    return { name: output, axes, channels }
  })
}

function headMetadata(
  { name }: StoredModel,
  head: SsnHead,
  [image]: readonly PlanarTensor[],
  { geometry, properties = {} }: LayersModelOptions,
): Iterable<readonly [string, string]> {
  const dimensions = image!.axes - 2
  if (geometry && (dimensions === 2 || dimensions === 3)) {
    return encodeMetadata({
      head,
      backbone: name,
      channels: image!.channels,
      dimensions,
      ...geometry,
      properties,
    })
  }
  throw new ModelError('layers model with a head', {
    found: geometry ? `${dimensions} spatial axes` : 'no geometry',
    expected: 'images or volumes, and the sizes that the model takes',
    remedy: 'Give geometry: minimumSize, multipleOf and receptiveField for each axis',
  })
}

function tensorValue({ name, axes, channels }: PlanarTensor, prefix: string): OnnxValue {
  const spatial = ['depth', 'height', 'width'].slice(5 - axes).map((axis) => prefix + axis)
  return { name, shape: ['batch', channels, ...(axes > 2 ? spatial : [])] }
}
