// What a spec computes, node by node in float64, as plainly as possible: the oracle that adapters are tested against.
// Dropout does nothing, in training mode too.
import { DETERMINISTIC_VARIANCE, type Weights } from '@stochseg/core'
import type { ActivationNode, Network, NetworkNode, NetworkSpec } from '../spec/network-spec'
import { convolutionPadding } from '../spec/tensor-shapes'
import { headNodes } from '../weights/head'
import { normalise, statistics } from './reference-normalisation'
import { linearSample, nearestSample } from './reference-sampling'
import {
  build,
  concatenate,
  pointwise,
  positions,
  type ReferenceTensor,
  range,
  sum,
  valueAt,
} from './reference-tensor'

/** How a spec is interpreted. */
export interface InterpretOptions {
  /** Batch normalisation by the batch's own statistics (biased variance) instead of the running estimates. */
  readonly training?: boolean
}

/** Every tensor of a spec for the given inputs `[N, C, *S]`. */
export function interpretSpec(
  spec: NetworkSpec,
  weights: Weights,
  inputs: ReadonlyMap<string, ReferenceTensor>,
  { training = false }: InterpretOptions = {},
): ReadonlyMap<string, ReferenceTensor> {
  const tensors = new Map(inputs)
  for (const node of spec.nodes) {
    const read = node.inputs.map((input) => tensors.get(input)!)
    tensors.set(
      node.name,
      interpretNode(node, read, (part) => weights.get(`${node.name}.${part}`)?.data, training),
    )
  }
  return tensors
}

/** What a network's head gives: mean `[N, C, *S]`, factor `[N, C·R, *S]` (channel c·R + r), diagonal `[N, C, *S]`. */
export function interpretNetwork(
  { spec, head }: Network,
  weights: Weights,
  inputs: ReadonlyMap<string, ReferenceTensor>,
  options: InterpretOptions = {},
): { mean: ReferenceTensor; factor: ReferenceTensor; diagonal: ReferenceTensor } {
  const features = interpretSpec(spec, weights, inputs, options).get(spec.features)!
  const [batch, , ...spatial] = features.shape as [number, number, ...number[]]
  const outputs = new Map(
    headNodes(spec, head).map((node) => [
      node.name,
      convolve(node, features, (part) => weights.get(`${node.name}.${part}`)?.data),
    ]),
  )
  const mean = outputs.get('head.mean')!
  const logDiagonal = outputs.get('head.logDiagonal')
  return {
    mean,
    factor: outputs.get('head.factor') ?? { shape: [batch, 0, ...spatial], data: new Float64Array(0) },
    diagonal: logDiagonal
      ? pointwise(logDiagonal, (value) => Math.exp(value) + head.epsilon)
      : pointwise(mean, () => DETERMINISTIC_VARIANCE),
  }
}

type Part = (part: string) => Float32Array | undefined

function interpretNode(
  node: NetworkNode,
  inputs: readonly ReferenceTensor[],
  part: Part,
  training: boolean,
): ReferenceTensor {
  const input = inputs[0]!
  const [batch, channels, ...spatial] = input.shape as [number, number, ...number[]]
  switch (node.op) {
    case 'convolution':
      return convolve(node, input, part)
    case 'transposedConvolution': {
      const output = spatial.map((length, axis) => length * node.factor[axis]!)
      const weight = part('weight')!
      const bias = part('bias')
      return build([batch, node.channels, ...output], (n, c, at) => {
        const from = at.map((index, axis) => Math.floor(index / node.factor[axis]!))
        const tap = at.reduce((place, index, axis) => {
          const factor = node.factor[axis]!
          return place * factor + (index % factor)
        }, 0)
        const taps = node.factor.reduce((product, factor) => product * factor, 1)
        let total = bias?.[c] ?? 0
        for (let k = 0; k < channels; k++) {
          total += weight[(k * node.channels + c) * taps + tap]! * valueAt(input, n, k, from)
        }
        return total
      })
    }
    case 'batchNorm': {
      return normalise(input, node.epsilon, part, (_, c) =>
        training
          ? statistics(input, range(batch), [c])
          : { mean: part('mean')![c]!, variance: part('variance')![c]! },
      )
    }
    case 'groupNorm': {
      const width = channels / node.groups
      return normalise(input, node.epsilon, part, (n, c) => {
        const first = Math.floor(c / width) * width
        return statistics(
          input,
          [n],
          range(width).map((index) => first + index),
        )
      })
    }
    case 'activation':
      return pointwise(input, activation(node, part))
    case 'pool': {
      const output = spatial.map((length, axis) => length / node.window[axis]!)
      return build([batch, channels, ...output], (n, c, at) => {
        const values = positions(node.window).map((offset) =>
          valueAt(
            input,
            n,
            c,
            at.map((index, axis) => index * node.window[axis]! + offset[axis]!),
          ),
        )
        return node.kind === 'max' ? Math.max(...values) : sum(values) / values.length
      })
    }
    case 'upsample': {
      const output = spatial.map((length, axis) => length * node.factor[axis]!)
      const sample = node.kind === 'linear' ? linearSample : nearestSample
      return build([batch, channels, ...output], (n, c, at) => sample(input, n, c, at, node.factor))
    }
    case 'concat':
      return concatenate(inputs)
    case 'add':
      return { shape: input.shape, data: input.data.map((value, index) => value + inputs[1]!.data[index]!) }
    case 'crop': {
      const output = spatial.map((length, axis) => length - node.before[axis]! - node.after[axis]!)
      return build([batch, channels, ...output], (n, c, at) =>
        valueAt(
          input,
          n,
          c,
          at.map((index, axis) => index + node.before[axis]!),
        ),
      )
    }
    case 'slice': {
      const output = spatial.map((length, axis) => Math.ceil((length - node.start[axis]!) / node.step[axis]!))
      return build([batch, channels, ...output], (n, c, at) =>
        valueAt(
          input,
          n,
          c,
          at.map((index, axis) => node.start[axis]! + index * node.step[axis]!),
        ),
      )
    }
    case 'dropout':
      return input
  }
}

function convolve(
  node: NetworkNode & { op: 'convolution' },
  input: ReferenceTensor,
  part: Part,
): ReferenceTensor {
  const [batch, inputChannels, ...spatial] = input.shape as [number, number, ...number[]]
  const padding = spatial.map((length, axis) => convolutionPadding(node, axis, length))
  const stride = node.stride ?? spatial.map(() => 1)
  const dilation = node.dilation ?? spatial.map(() => 1)
  const output = spatial.map((length, axis) => {
    const extent = (node.kernel[axis]! - 1) * dilation[axis]! + 1
    return Math.floor((length + padding[axis]![0] + padding[axis]![1] - extent) / stride[axis]!) + 1
  })
  const weight = part('weight')!
  const bias = part('bias')
  const taps = positions(node.kernel)
  return build([batch, node.channels, ...output], (n, c, at) => {
    let total = bias?.[c] ?? 0
    for (let from = 0; from < inputChannels; from++) {
      taps.forEach((tap, index) => {
        const position = at.map(
          (o, axis) => o * stride[axis]! - padding[axis]![0] + tap[axis]! * dilation[axis]!,
        )
        total += weight[(c * inputChannels + from) * taps.length + index]! * valueAt(input, n, from, position)
      })
    }
    return total
  })
}

function activation(node: ActivationNode, part: Part): (value: number) => number {
  const leaky = (slope: number) => (value: number) => (value < 0 ? slope * value : value)
  switch (node.function) {
    case 'relu':
      return (value) => Math.max(value, 0)
    case 'prelu':
      return leaky(part('slope')![0]!)
    case 'leakyRelu':
      return leaky(node.slope ?? 0.01)
    case 'sigmoid':
      return (value) => 1 / (1 + Math.exp(-value))
    case 'tanh':
      return Math.tanh
  }
}
