// The SSN head as nodes: the 1-wide convolutions that read a network's features.
import type { SsnHead } from '@stochseg/core'
import type { ConvolutionNode, NetworkSpec } from '../spec/network-spec'

/** The head's convolutions and how many channels each gives (factor: channel = c·R + r). */
export function headOutputs(
  head: SsnHead,
): { readonly name: 'mean' | 'logDiagonal' | 'factor'; readonly channels: number }[] {
  const { kind, classes, rank } = head
  if (kind === 'deterministic') return [{ name: 'mean', channels: classes }]
  return [
    { name: 'mean', channels: classes },
    { name: 'logDiagonal', channels: classes },
    ...(kind === 'low-rank' ? [{ name: 'factor', channels: classes * rank } as const] : []),
  ]
}

/** The head as nodes on the features: `head.mean`, then, by its kind, `head.logDiagonal` and `head.factor`. */
export function headNodes(
  { dimensions, features, headBias = true }: Pick<NetworkSpec, 'dimensions' | 'features' | 'headBias'>,
  head: SsnHead,
): ConvolutionNode[] {
  return headOutputs(head).map(({ name, channels }) => ({
    op: 'convolution',
    name: `head.${name}`,
    inputs: [features],
    channels,
    kernel: Array<number>(dimensions).fill(1),
    padding: 'valid',
    bias: headBias,
  }))
}
