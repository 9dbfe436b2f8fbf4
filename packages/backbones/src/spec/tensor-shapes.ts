// Which shape every tensor of a spec has: channels from the spec alone, spatial sizes from the input's size.
import { ModelError } from '@stochseg/core'
import type { ConvolutionNode, NetworkNode, NetworkSpec, PerAxis } from './network-spec'

/** Channels of every tensor, inputs included. Throws {@link ModelError} where an `add` joins unequal channels, or groups do not divide. */
export function tensorChannels(spec: NetworkSpec): ReadonlyMap<string, number> {
  const channels = new Map(spec.inputs.map((input) => [input.name, input.channels]))
  for (const node of spec.nodes) {
    channels.set(
      node.name,
      outputChannels(
        node,
        node.inputs.map((input) => channels.get(input)!),
      ),
    )
  }
  return channels
}

/**
 * Shape `[C, *S]` of every tensor for inputs of `size` voxels along each axis.
 *
 * Throws {@link ModelError}, naming the node, where that size does not fit.
 */
export function tensorShapes(spec: NetworkSpec, size: PerAxis): ReadonlyMap<string, readonly number[]> {
  if (size.length !== spec.dimensions) {
    throw new ModelError(`input size of ${spec.name}`, {
      found: `[${size}]`,
      expected: `${spec.dimensions} lengths`,
      remedy: 'Give one length for each spatial axis',
    })
  }
  const lengths = size.map((length, axis) => lengthsAlong(spec, axis, length))
  return new Map(
    [...tensorChannels(spec)].map(([name, channels]) => [
      name,
      [channels, ...lengths.map((along) => along.get(name)!)],
    ]),
  )
}

/** Length of every tensor along one axis. Axes do not depend on each other. Throws like {@link tensorShapes}. */
export function lengthsAlong(spec: NetworkSpec, axis: number, length: number): ReadonlyMap<string, number> {
  const lengths = new Map(spec.inputs.map((input) => [input.name, length]))
  for (const node of spec.nodes) {
    const inputs = node.inputs.map((input) => lengths.get(input)!)
    const output = outputLength(node, axis, inputs)
    if (output < 1) throw nodeError(node, `length ${inputs[0]} along axis ${axis}`, 'a longer input')
    lengths.set(node.name, output)
  }
  return lengths
}

/** What of a convolution decides the sizes. */
export type ConvolutionWindow = Pick<ConvolutionNode, 'kernel' | 'stride' | 'dilation' | 'padding'>

/** Zeros before and after the `length` voxels that a convolution reads along `axis`. */
export function convolutionPadding(
  node: ConvolutionWindow,
  axis: number,
  length: number,
): readonly [before: number, after: number] {
  if (node.padding === 'valid') return [0, 0]
  const stride = node.stride?.[axis] ?? 1
  const total = Math.max((Math.ceil(length / stride) - 1) * stride + kernelExtent(node, axis) - length, 0)
  return [Math.floor(total / 2), Math.ceil(total / 2)]
}

function outputChannels(node: NetworkNode, inputs: readonly number[]): number {
  switch (node.op) {
    case 'convolution':
    case 'transposedConvolution':
      return node.channels
    case 'groupNorm':
      if (inputs[0]! % node.groups !== 0) {
        throw nodeError(node, `${inputs[0]} channels in ${node.groups} groups`, 'groups of equal size')
      }
      return inputs[0]!
    case 'concat':
      return inputs.reduce((sum, channels) => sum + channels, 0)
    case 'add':
      if (inputs[0] !== inputs[1]) {
        throw nodeError(node, `inputs of ${inputs.join(' and ')} channels`, 'equal channels')
      }
      return inputs[0]!
    default:
      return inputs[0]!
  }
}

function outputLength(node: NetworkNode, axis: number, inputs: readonly number[]): number {
  const length = inputs[0]!
  switch (node.op) {
    case 'convolution': {
      const stride = node.stride?.[axis] ?? 1
      if (node.padding === 'same') return Math.ceil(length / stride)
      return Math.floor((length - kernelExtent(node, axis)) / stride) + 1
    }
    case 'pool': {
      const window = node.window[axis]!
      if (length % window !== 0) {
        throw nodeError(node, `length ${length} along axis ${axis}`, `a multiple of its window ${window}`)
      }
      return length / window
    }
    case 'upsample':
    case 'transposedConvolution':
      return length * node.factor[axis]!
    case 'crop':
      return length - node.before[axis]! - node.after[axis]!
    case 'slice':
      return Math.ceil((length - node.start[axis]!) / node.step[axis]!)
    case 'concat':
    case 'add':
      if (inputs.some((other) => other !== length)) {
        throw nodeError(node, `lengths ${inputs.join(', ')} along axis ${axis}`, 'equal lengths')
      }
      return length
    case 'batchNorm':
    case 'groupNorm':
    case 'activation':
    case 'dropout':
      return length
  }
}

function kernelExtent(node: ConvolutionWindow, axis: number): number {
  return (node.kernel[axis]! - 1) * (node.dilation?.[axis] ?? 1) + 1
}

function nodeError(node: NetworkNode, found: string, expected: string): ModelError {
  return new ModelError(`${node.op} '${node.name}'`, {
    found: `${found} (reads ${node.inputs.join(', ')})`,
    expected,
    remedy: 'Correct the spec, or give an input size that fits it (geometryOf names one)',
  })
}
