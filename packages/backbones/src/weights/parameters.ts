// Which weights a network has: their names, shapes, whether training moves them, and how they start.
import type { SsnHead, Weights } from '@stochseg/core'
import { ModelError } from '@stochseg/core'
import type { NetworkNode, NetworkSpec } from '../spec/network-spec'
import { tensorChannels } from '../spec/tensor-shapes'
import { auxiliaryNodes } from './auxiliary'
import { headNodes } from './head'

/** How a parameter starts: one value throughout, or normal with variance 2 / fan-in. */
export type Initializer =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'he-normal'; readonly fanIn: number }

/** One named tensor of a network. */
export interface Parameter {
  readonly name: string
  /** Convolution kernels are `[out, in, *kernel]`, transposed ones `[in, out, *kernel]`, everything else `[channels]`. */
  readonly shape: readonly number[]
  /** False for the running estimates of batch normalisation. */
  readonly trainable: boolean
  readonly initializer: Initializer
}

/**
 * Every parameter of a network: the body's in the order of its nodes, then the head's (mean, log-diagonal, factor), then those
 * of auxiliary heads.
 *
 * A body's parameters are the same, and at the same places, whichever head follows.
 */
export function parametersOf(spec: NetworkSpec, head: SsnHead): Parameter[] {
  const channels = tensorChannels(spec)
  const nodes = [...spec.nodes, ...headNodes(spec, head), ...auxiliaryNodes(spec, head)]
  return nodes.flatMap((node) => nodeParameters(node, channels.get(node.inputs[0]!)!))
}

/** Number of values that training moves. */
export function parameterCount(spec: NetworkSpec, head: SsnHead): number {
  return parametersOf(spec, head)
    .filter((parameter) => parameter.trainable)
    .reduce((sum, parameter) => sum + size(parameter.shape), 0)
}

/** Throws {@link ModelError} unless `weights` has exactly the network's names and shapes, with finite values. */
export function checkWeights(spec: NetworkSpec, head: SsnHead, weights: Weights): void {
  checkParameters(spec.name, parametersOf(spec, head), weights)
}

/** As {@link checkWeights}, for the parameters of any network; `network` names it in errors. */
export function checkParameters(
  network: string,
  parameters: readonly Pick<Parameter, 'name' | 'shape'>[],
  weights: Weights,
): void {
  for (const { name, shape } of parameters) {
    const weight = weights.get(name)
    if (!weight || String(weight.shape) !== String(shape) || weight.data.length !== size(shape)) {
      throw new ModelError(`weight '${name}'`, {
        found: weight ? `shape [${weight.shape}] with ${weight.data.length} values` : 'nothing',
        expected: `shape [${shape}]`,
        remedy: `Use weights of this ${network}: same widths, classes, rank and head`,
      })
    }
    const wrong = weight.data.findIndex((value) => !Number.isFinite(value))
    if (wrong >= 0) {
      throw new ModelError(`weight '${name}'`, {
        found: `${weight.data[wrong]} at index ${wrong}`,
        expected: 'finite numbers',
        remedy: 'Take an earlier checkpoint',
      })
    }
  }
  const known = new Set(parameters.map((parameter) => parameter.name))
  const unknown = [...weights.keys()].filter((name) => !known.has(name))
  if (unknown.length > 0) {
    throw new ModelError('weights', {
      found: `${unknown.length} that the network has not, e.g. '${unknown[0]}'`,
      expected: `the ${known.size} of ${network}`,
      remedy: 'Use weights of this network',
    })
  }
}

function nodeParameters(node: NetworkNode, inputChannels: number): Parameter[] {
  switch (node.op) {
    case 'convolution':
      return convolutionParameters(node.name, node.channels, inputChannels, node.kernel, node.bias)
    case 'transposedConvolution': {
      const weight: Parameter = {
        name: `${node.name}.weight`,
        shape: [inputChannels, node.channels, ...node.factor],
        trainable: true,
        initializer: { kind: 'he-normal', fanIn: inputChannels },
      }
      return node.bias ? [weight, constant(`${node.name}.bias`, [node.channels], 0)] : [weight]
    }
    case 'groupNorm':
      return [
        constant(`${node.name}.scale`, [inputChannels], 1),
        constant(`${node.name}.bias`, [inputChannels], 0),
      ]
    case 'batchNorm':
      return [
        constant(`${node.name}.scale`, [inputChannels], 1),
        constant(`${node.name}.bias`, [inputChannels], 0),
        { ...constant(`${node.name}.mean`, [inputChannels], 0), trainable: false },
        { ...constant(`${node.name}.variance`, [inputChannels], 1), trainable: false },
      ]
    case 'activation':
      return node.function === 'prelu' ? [constant(`${node.name}.slope`, [1], node.slope ?? 0.25)] : []
    default:
      return []
  }
}

function convolutionParameters(
  name: string,
  outputs: number,
  inputs: number,
  kernel: readonly number[],
  bias: boolean,
): Parameter[] {
  const weight: Parameter = {
    name: `${name}.weight`,
    shape: [outputs, inputs, ...kernel],
    trainable: true,
    initializer: { kind: 'he-normal', fanIn: inputs * size(kernel) },
  }
  return bias ? [weight, constant(`${name}.bias`, [outputs], 0)] : [weight]
}

function constant(name: string, shape: readonly number[], value: number): Parameter {
  return { name, shape, trainable: true, initializer: { kind: 'constant', value } }
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1)
}
