// What TF.js saves of a layers model, as plain data: a topology in Keras' JSON, and weights with their descriptions.
//
// It is what `model.save(tf.io.withSaveHandler(…))` passes on, and what `model.json` and its weight files hold. TF.js itself
// is not needed to read it.
import { fromFloat16, ModelError } from '@stochseg/core'
import type { StoredWeight } from '../tfjs-weights'

/** A description of one weight. */
export interface StoredWeightSpec {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: string
  /** How it was made smaller: integers are `value · scale + min`. */
  readonly quantization?: { readonly dtype: string; readonly scale?: number; readonly min?: number }
}

/** `tf.io.ModelArtifacts`, as far as it is read. */
export interface LayersModelArtefacts {
  readonly modelTopology?: unknown
  readonly weightSpecs?: readonly StoredWeightSpec[]
  /** All weights one after another, in one piece or several. */
  readonly weightData?: ArrayBuffer | Uint8Array | readonly ArrayBuffer[]
}

/** Where a layer's input comes from: an application of a layer, and which of its outputs. */
export interface LayerReference {
  readonly layer: string
  readonly application: number
  readonly output: number
}

/** A layer of a functional model. */
export interface StoredLayer {
  readonly className: string
  readonly name: string
  readonly config: Readonly<Record<string, unknown>>
  /** The inputs of each application of the layer. */
  readonly applications: readonly (readonly LayerReference[])[]
  /** Of a layer that is a model itself. */
  readonly model?: StoredModel
}

/** A functional model; a sequential one is a chain of layers. */
export interface StoredModel {
  readonly name: string
  readonly layers: readonly StoredLayer[]
  readonly inputs: readonly LayerReference[]
  readonly outputs: readonly LayerReference[]
}

type Json = Readonly<Record<string, unknown>>

/** The layers of a model. Throws {@link ModelError} for another format, a graph model for instance. */
export function readTopology({ modelTopology }: LayersModelArtefacts): StoredModel {
  const topology = modelTopology as Json | undefined
  // Converted from Python, the model lies one level deeper.
  const model = (topology?.model_config ?? topology) as Json | undefined
  const read = model && modelOf(String(model.class_name), model.config as Json | undefined)
  if (read) return read
  throw artefactError(
    topology && 'node' in topology
      ? 'a graph model (TensorFlow operations)'
      : `a topology of class ${String(model?.class_name)}`,
    'a layers model, functional or sequential',
    topology && 'node' in topology
      ? 'Export it by exportGraphModel'
      : 'Give what model.save() passes to a tf.io handler',
  )
}

/** Weights by name. Throws {@link ModelError} for fewer bytes than described, an unknown type, and a name of several. */
export function readStoredWeights({
  weightSpecs = [],
  weightData = new ArrayBuffer(0),
}: LayersModelArtefacts): ReadonlyMap<string, StoredWeight> {
  const names = weightSpecs.map(({ name }) => name)
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) {
    throw artefactError(
      `several weights '${repeated}'`,
      'names that differ',
      'Give layers names that no other has, also in models inside the model, and save it again',
    )
  }
  const bytes = joined(weightData)
  let offset = 0
  return new Map(
    weightSpecs.map(({ name, shape, dtype, quantization }) => {
      const stored = quantization?.dtype ?? dtype
      const size = ({ float32: 4, int32: 4, float16: 2, uint16: 2, uint8: 1, bool: 1 } as const)[stored]
      const count = shape.reduce((product, length) => product * length, 1)
      if (size === undefined || offset + count * size > bytes.length) {
        throw artefactError(
          size === undefined ? `weight '${name}' of type ${stored}` : `${bytes.length} bytes of weights`,
          size === undefined
            ? 'float32, float16, uint16 or uint8'
            : `${offset + count * size} at least, for '${name}'`,
          'Save the model again',
        )
      }
      const values = numbers(bytes.slice(offset, offset + count * size), stored)
      offset += count * size
      const { scale = 1, min = 0 } = quantization ?? {}
      const exact = stored === 'float32' || stored === 'float16' || !quantization
      return [name, { shape, data: exact ? values : values.map((value) => value * scale + min) }] as const
    }),
  )
}

function numbers(bytes: Uint8Array, type: string): Float32Array {
  if (type === 'float32') return new Float32Array(bytes.buffer)
  if (type === 'int32') return Float32Array.from(new Int32Array(bytes.buffer))
  if (type === 'float16') return Float32Array.from(new Uint16Array(bytes.buffer), fromFloat16)
  return Float32Array.from(type === 'uint16' ? new Uint16Array(bytes.buffer) : bytes)
}

function joined(data: NonNullable<LayersModelArtefacts['weightData']>): Uint8Array {
  if (data instanceof Uint8Array) return data
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  const bytes = new Uint8Array(data.reduce((sum, { byteLength }) => sum + byteLength, 0))
  data.reduce((offset, piece) => {
    bytes.set(new Uint8Array(piece), offset)
    return offset + piece.byteLength
  }, 0)
  return bytes
}

/** A model, or nothing where the class is none of models. */
function modelOf(kind: string, config: Json | readonly Json[] | undefined): StoredModel | undefined {
  if (kind === 'Sequential' && config) return sequential(config)
  if ((kind === 'Model' || kind === 'Functional') && config) return functional(config as Json)
  return undefined
}

function sequential(config: Json | readonly Json[]): StoredModel {
  const given = (Array.isArray(config) ? config : (config as Json).layers) as readonly Json[]
  const layers = given.map((layer) => layerOf(layer))
  const [first] = layers
  if (!first) throw artefactError('no layers', 'at least one', 'Save the model again')
  const hasInput = first.className === 'InputLayer'
  const input = hasInput ? first : (inputOf(first.model) ?? inputBefore(first))
  const chain = [input, ...layers.slice(hasInput ? 1 : 0)]
  return {
    name: String((config as Json).name ?? 'sequential'),
    layers: chain.map((layer, index) => ({
      ...layer,
      applications: index === 0 ? [[]] : [[{ layer: chain[index - 1]!.name, application: 0, output: 0 }]],
    })),
    inputs: [{ layer: input.name, application: 0, output: 0 }],
    outputs: [{ layer: chain.at(-1)!.name, application: 0, output: 0 }],
  }
}

/** The image of a model that a chain begins with is the chain's own. */
function inputOf(model: StoredModel | undefined): StoredLayer | undefined {
  return model?.layers.find(({ name }) => name === model.inputs[0]!.layer)
}

function inputBefore({ name, config }: StoredLayer): StoredLayer {
  return { className: 'InputLayer', name: `${name}_input`, config, applications: [] }
}

function functional(config: Json): StoredModel {
  const layers = (config.layers as readonly Json[]).map((layer) => layerOf(layer))
  const [inputs, outputs] = [references(config.input_layers), references(config.output_layers)]
  const all = [...outputs, ...layers.flatMap(({ applications }) => applications.flat())]
  // Applications of a model are counted from 1, mostly: it has applied itself to its own inputs before.
  const firstOf = new Map(
    layers.flatMap(({ name, model }) => {
      const applications = all.filter(({ layer }) => layer === name).map(({ application }) => application)
      return model ? [[name, Math.min(...applications)] as const] : []
    }),
  )
  const counted = ({ layer, application, output }: LayerReference): LayerReference => {
    return { layer, application: application - (firstOf.get(layer) ?? 0), output }
  }
  return {
    ...{ name: String(config.name), inputs, outputs: outputs.map(counted) },
    layers: layers.map((layer) => ({
      ...layer,
      applications: layer.applications.map((read) => read.map(counted)),
    })),
  }
}

function layerOf(layer: Json): StoredLayer {
  const config = layer.config as Json
  const className = String(layer.class_name)
  const nodes = (layer.inbound_nodes ?? []) as readonly unknown[]
  const model = modelOf(className, config)
  return {
    className,
    name: String(layer.name ?? config.name),
    config,
    applications: nodes.length === 0 ? [[]] : nodes.map(references),
    ...(model ? { model } : {}),
  }
}

/** `[["layer", application, output], …]`, or one of them alone. */
function references(value: unknown): LayerReference[] {
  const list = (Array.isArray(value) && typeof value[0] === 'string' ? [value] : value) as readonly unknown[]
  if (!Array.isArray(list))
    throw artefactError(
      JSON.stringify(value),
      'inputs in the form of Keras 2',
      'Save the model by TF.js or Keras 2',
    )
  return list.map((reference) => {
    const [layer, application, output] = reference as [string, number, number]
    if (typeof layer === 'string' && Number.isInteger(output)) return { layer, application, output }
    throw artefactError(
      JSON.stringify(reference),
      '[layer, application, output]',
      'Save the model by TF.js or Keras 2',
    )
  })
}

function artefactError(found: string, expected: string, remedy: string): ModelError {
  return new ModelError('layers model', { found, expected, remedy })
}
