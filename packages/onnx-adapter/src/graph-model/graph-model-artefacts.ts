// What a TF.js graph model holds, as plain data: TensorFlow operations in the JSON of a GraphDef, and the constants' values.
import { ModelError } from '@stochseg/core'
import { type LayersModelArtefacts, readStoredWeights } from '../layers-model/layers-model-artefacts'
import type { StoredWeight } from '../tfjs-weights'

/** One TensorFlow operation. */
export interface GraphModelNode {
  readonly name: string
  readonly operation: string
  /** Names of the nodes that it reads. */
  readonly inputs: readonly string[]
  readonly attributes: ReadonlyMap<string, AttributeValue>
}

/** An attribute in protocol buffers' JSON, as far as it is read. 64-bit integers are text, text is base64. */
interface AttributeValue {
  readonly i?: string | number
  readonly f?: number
  readonly b?: boolean
  readonly s?: string
  /** Of numbers, by name. */
  readonly type?: string
  readonly list?: { readonly i?: readonly (string | number)[]; readonly s?: readonly string[] }
  readonly shape?: { readonly dim?: readonly { readonly size: string | number }[] }
}

/** A graph model taken apart. */
export interface GraphModel {
  readonly nodes: ReadonlyMap<string, GraphModelNode>
  readonly outputs: readonly string[]
  readonly constants: ReadonlyMap<string, StoredWeight>
}

interface NodeJson {
  readonly name: string
  readonly op: string
  readonly input?: readonly string[]
  readonly attr?: Readonly<Record<string, AttributeValue>>
}

/** Takes `model.json` and its weights apart. Throws {@link ModelError} for something else than a graph model. */
export function readGraphModel(
  artefacts: LayersModelArtefacts & { readonly signature?: unknown },
): GraphModel {
  const { node: list } = (artefacts.modelTopology ?? {}) as { readonly node?: readonly NodeJson[] }
  if (!Array.isArray(list)) {
    throw new ModelError('graph model', {
      found: 'no list of TensorFlow operations',
      expected: 'the topology of a TF.js graph model',
      remedy: 'Give the modelTopology of its model.json; exportLayersModel takes layers models',
    })
  }
  const nodes = new Map(
    (list as readonly NodeJson[]).map(({ name, op, input = [], attr = {} }) => {
      // `^name` only says what runs before.
      const inputs = input.filter((from) => !from.startsWith('^')).map(nodeOf)
      return [name, { name, operation: op, inputs, attributes: new Map(Object.entries(attr)) }] as const
    }),
  )
  return { nodes, outputs: outputsOf(artefacts.signature, nodes), constants: readStoredWeights(artefacts) }
}

/** Whole numbers of an attribute. */
export function integers({ attributes }: GraphModelNode, name: string): number[] {
  return (attributes.get(name)?.list?.i ?? []).map(Number)
}

/** An attribute that is text. */
export function text({ attributes }: GraphModelNode, name: string): string {
  return atob(attributes.get(name)?.s ?? '')
}

/** An attribute that is a list of text. */
export function texts({ attributes }: GraphModelNode, name: string): string[] {
  return (attributes.get(name)?.list?.s ?? []).map((item) => atob(item))
}

function nodeOf(tensor: string): string {
  return tensor.replace(/:\d+$/, '')
}

function outputsOf(signature: unknown, nodes: ReadonlyMap<string, GraphModelNode>): string[] {
  const { outputs } = (signature ?? {}) as { readonly outputs?: Record<string, { readonly name: string }> }
  if (outputs) return Object.values(outputs).map(({ name }) => nodeOf(name))
  const read = new Set([...nodes.values()].flatMap(({ inputs }) => inputs))
  return [...nodes.keys()].filter((name) => !read.has(name))
}
