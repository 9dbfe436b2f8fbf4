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
}

/** A layer of a functional model. */
export interface StoredLayer {
  readonly className: string
  readonly name: string
  readonly config: Readonly<Record<string, unknown>>
  /** The inputs of each application of the layer. */
  readonly applications: readonly (readonly LayerReference[])[]
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
  const config = model?.config
  const kind = String(model?.class_name)
  if (kind === 'Sequential' && config) return sequential(config as Json | readonly Json[])
  if ((kind === 'Model' || kind === 'Functional') && config) return functional(config as Json)
  throw artefactError(
    topology && 'node' in topology ? 'a graph model (TensorFlow operations)' : `a topology of class ${kind}`,
    'a layers model, functional or sequential',
    topology && 'node' in topology
      ? 'Export it by exportGraphModel'
      : 'Give what model.save() passes to a tf.io handler',
  )
}

/** Weights by name. Throws {@link ModelError} where there are fewer bytes than described, or of an unknown type. */
export function readStoredWeights({
  weightSpecs = [],
  weightData = new ArrayBuffer(0),
}: LayersModelArtefacts): ReadonlyMap<string, StoredWeight> {
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

function sequential(config: Json | readonly Json[]): StoredModel {
  const given = (Array.isArray(config) ? config : (config as Json).layers) as readonly Json[]
  const layers = given.map((layer) => layerOf(layer))
  const [first] = layers
  if (!first) throw artefactError('no layers', 'at least one', 'Save the model again')
  const hasInput = first.className === 'InputLayer'
  const input: StoredLayer = hasInput
    ? first
    : { className: 'InputLayer', name: `${first.name}_input`, config: first.config, applications: [] }
  const chain = [input, ...layers.slice(hasInput ? 1 : 0)]
  return {
    name: String((config as Json).name ?? 'sequential'),
    layers: chain.map((layer, index) => ({
      ...layer,
      applications: index === 0 ? [[]] : [[{ layer: chain[index - 1]!.name, application: 0 }]],
    })),
    inputs: [{ layer: input.name, application: 0 }],
    outputs: [{ layer: chain.at(-1)!.name, application: 0 }],
  }
}

function functional(config: Json): StoredModel {
  return {
    name: String(config.name),
    layers: (config.layers as readonly Json[]).map((layer) => layerOf(layer)),
    inputs: references(config.input_layers),
    outputs: references(config.output_layers),
  }
}

function layerOf(layer: Json): StoredLayer {
  const config = layer.config as Json
  const nodes = (layer.inbound_nodes ?? []) as readonly unknown[]
  return {
    className: String(layer.class_name),
    name: String(layer.name ?? config.name),
    config,
    applications: nodes.length === 0 ? [[]] : nodes.map(references),
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
    if (typeof layer === 'string' && output === 0) return { layer, application }
    throw artefactError(
      JSON.stringify(reference),
      '[layer, application, 0]',
      'Save the model by TF.js or Keras 2',
    )
  })
}

function artefactError(found: string, expected: string, remedy: string): ModelError {
  return new ModelError('layers model', { found, expected, remedy })
}
