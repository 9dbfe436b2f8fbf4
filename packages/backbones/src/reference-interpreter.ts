// What a spec computes, node by node in float64, as plainly as possible: the oracle that adapters are tested against.
// Inference only: dropout does nothing, batch normalisation uses its running estimates.
import { DETERMINISTIC_VARIANCE, type Weights } from '@stochseg/core'
import { headNodes } from './head'
import type { ActivationNode, Network, NetworkNode, NetworkSpec } from './network-spec'
import { convolutionPadding } from './tensor-shapes'

/** A planar tensor `[N, C, *S]`. */
export interface ReferenceTensor {
  readonly shape: readonly number[]
  readonly data: Float64Array
}

/** Every tensor of a spec for the given inputs `[N, C, *S]`. */
export function interpretSpec(
  spec: NetworkSpec,
  weights: Weights,
  inputs: ReadonlyMap<string, ReferenceTensor>,
): ReadonlyMap<string, ReferenceTensor> {
  const tensors = new Map(inputs)
  for (const node of spec.nodes) {
    const read = node.inputs.map((input) => tensors.get(input)!)
    tensors.set(
      node.name,
      interpretNode(node, read, (part) => weights.get(`${node.name}.${part}`)?.data),
    )
  }
  return tensors
}

/** What a network's head gives: mean `[N, C, *S]`, factor `[N, C·R, *S]` (channel c·R + r), diagonal `[N, C, *S]`. */
export function interpretNetwork(
  { spec, head }: Network,
  weights: Weights,
  inputs: ReadonlyMap<string, ReferenceTensor>,
): { mean: ReferenceTensor; factor: ReferenceTensor; diagonal: ReferenceTensor } {
  const features = interpretSpec(spec, weights, inputs).get(spec.features)!
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

function interpretNode(node: NetworkNode, inputs: readonly ReferenceTensor[], part: Part): ReferenceTensor {
  const input = inputs[0]!
  const [batch, channels, ...spatial] = input.shape as [number, number, ...number[]]
  switch (node.op) {
    case 'convolution':
      return convolve(node, input, part)
    case 'batchNorm': {
      const [scale, bias, mean, variance] = ['scale', 'bias', 'mean', 'variance'].map((name) => part(name)!)
      return build(input.shape, (n, c, at) => {
        const normalised = (valueAt(input, n, c, at) - mean![c]!) / Math.sqrt(variance![c]! + node.epsilon)
        return normalised * scale![c]! + bias![c]!
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

function nearestSample(
  input: ReferenceTensor,
  n: number,
  c: number,
  at: readonly number[],
  factor: readonly number[],
): number {
  return valueAt(
    input,
    n,
    c,
    at.map((index, axis) => Math.floor(index / factor[axis]!)),
  )
}

function linearSample(
  input: ReferenceTensor,
  n: number,
  c: number,
  at: readonly number[],
  factor: readonly number[],
): number {
  const places = at.map((index, axis) => {
    const last = input.shape[axis + 2]! - 1
    return Math.min(Math.max((index + 0.5) / factor[axis]! - 0.5, 0), last)
  })
  return sum(
    positions(at.map(() => 2)).map((corner) => {
      const share = corner.reduce((product, upper, axis) => {
        const fraction = places[axis]! - Math.floor(places[axis]!)
        return product * (upper === 1 ? fraction : 1 - fraction)
      }, 1)
      const position = places.map((place, axis) => Math.floor(place) + corner[axis]!)
      return share === 0 ? 0 : share * valueAt(input, n, c, position)
    }),
  )
}

function concatenate(inputs: readonly ReferenceTensor[]): ReferenceTensor {
  const [batch, , ...spatial] = inputs[0]!.shape as [number, number, ...number[]]
  const origins = inputs.flatMap((tensor) =>
    Array.from({ length: tensor.shape[1]! }, (_, c) => ({ tensor, c })),
  )
  return build([batch, origins.length, ...spatial], (n, c, at) =>
    valueAt(origins[c]!.tensor, n, origins[c]!.c, at),
  )
}

function pointwise(input: ReferenceTensor, apply: (value: number) => number): ReferenceTensor {
  return { shape: input.shape, data: input.data.map(apply) }
}

function build(
  shape: readonly number[],
  value: (n: number, c: number, at: readonly number[]) => number,
): ReferenceTensor {
  const [batch, channels, ...spatial] = shape as [number, number, ...number[]]
  const all = positions(spatial)
  const data = new Float64Array(batch * channels * all.length)
  let index = 0
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      for (const at of all) data[index++] = value(n, c, at)
    }
  }
  return { shape, data }
}

/** The value at a position; zero outside. */
function valueAt(tensor: ReferenceTensor, n: number, c: number, at: readonly number[]): number {
  const [, channels, ...spatial] = tensor.shape as [number, number, ...number[]]
  let index = n * channels + c
  for (let axis = 0; axis < spatial.length; axis++) {
    if (at[axis]! < 0 || at[axis]! >= spatial[axis]!) return 0
    index = index * spatial[axis]! + at[axis]!
  }
  return tensor.data[index]!
}

/** All positions of a grid, row-major. */
function positions(spatial: readonly number[]): number[][] {
  return spatial.reduce<number[][]>(
    (heads, length) => heads.flatMap((head) => Array.from({ length }, (_, index) => [...head, index])),
    [[]],
  )
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
