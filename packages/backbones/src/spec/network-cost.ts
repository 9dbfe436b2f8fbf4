// What a network costs for one input size: parameters, multiply-adds, memory for activations.
import type { SsnHead } from '@stochseg/core'
import { headNodes } from '../weights/head'
import { parametersOf } from '../weights/parameters'
import type { Network, NetworkNode, NetworkSpec, PerAxis } from './network-spec'
import { tensorShapes } from './tensor-shapes'

/** What one node costs. */
export interface NodeCost {
  readonly node: NetworkNode
  /** Output shape `[C, *S]`. */
  readonly shape: readonly number[]
  /** Values that training moves. */
  readonly parameters: number
  /** Multiply-adds of convolutions; other nodes have none worth counting. */
  readonly multiplyAdds: number
}

/** What a network costs for one image. Bytes are those of float32 values, weights not included. */
export interface NetworkCost {
  readonly nodes: readonly NodeCost[]
  readonly parameters: number
  readonly multiplyAdds: number
  /** The most that lives at one time in inference, if a tensor goes as soon as its last reader has run. */
  readonly inferenceBytes: number
  /** All tensors together, which the backward pass of a training step may read. */
  readonly trainingBytes: number
}

/** The cost of a network, head included, for one image of `size`. Throws like `tensorShapes` for sizes that do not fit. */
export function networkCost({ spec, head }: Network, size: PerAxis): NetworkCost {
  const shapes = new Map(tensorShapes(spec, size))
  const nodes: NetworkNode[] = [...spec.nodes, ...headNodes(spec, head)]
  for (const node of headNodes(spec, head)) {
    shapes.set(node.name, [node.channels, ...shapes.get(spec.features)!.slice(1)])
  }
  const parameters = parametersByNode(spec, head)
  const costs = nodes.map((node) => ({
    node,
    shape: shapes.get(node.name)!,
    parameters: parameters.get(node.name) ?? 0,
    multiplyAdds: multiplyAdds(node, shapes),
  }))
  const bytes = (name: string): number => 4 * product(shapes.get(name)!)
  return {
    nodes: costs,
    parameters: sum(costs.map((cost) => cost.parameters)),
    multiplyAdds: sum(costs.map((cost) => cost.multiplyAdds)),
    inferenceBytes: peak(spec, nodes, bytes),
    trainingBytes: sum([...shapes.keys()].map(bytes)),
  }
}

function parametersByNode(spec: NetworkSpec, head: SsnHead): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { name, shape, trainable } of parametersOf(spec, head)) {
    const node = name.slice(0, name.lastIndexOf('.'))
    if (trainable) counts.set(node, (counts.get(node) ?? 0) + product(shape))
  }
  return counts
}

function multiplyAdds(node: NetworkNode, shapes: ReadonlyMap<string, readonly number[]>): number {
  const inputChannels = shapes.get(node.inputs[0]!)![0]!
  const output = product(shapes.get(node.name)!)
  if (node.op === 'convolution') return output * inputChannels * product(node.kernel)
  return node.op === 'transposedConvolution' ? output * inputChannels : 0
}

/** The head's outputs are results: they stay. */
function peak(spec: NetworkSpec, nodes: readonly NetworkNode[], bytes: (name: string) => number): number {
  const lastReader = new Map<string, number>()
  nodes.forEach((node, index) => {
    for (const input of node.inputs) lastReader.set(input, index)
  })
  let living = sum(spec.inputs.map(({ name }) => bytes(name)))
  let most = living
  nodes.forEach((node, index) => {
    living += bytes(node.name)
    most = Math.max(most, living)
    for (const input of new Set(node.inputs)) {
      if (lastReader.get(input) === index) living -= bytes(input)
    }
  })
  return most
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((all, length) => all * length, 1)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
