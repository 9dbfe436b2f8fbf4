// Deep supervision (Lee et al. 2015): heads on inner tensors, which learn the labels too while the network is trained. What runs
// and what is exported leaves them out.
import type { SsnHead, Weights } from '@stochseg/core'
import type { ConvolutionNode, NetworkSpec } from '../spec/network-spec'
import { usedTensors } from '../spec/used-tensors'

const PREFIX = 'auxiliary.'

/** The auxiliary heads as nodes: 1-wide convolutions to the classes' logits, `auxiliary.<tensor>`. */
export function auxiliaryNodes(
  { dimensions, auxiliary = [] }: Pick<NetworkSpec, 'dimensions' | 'auxiliary'>,
  head: SsnHead,
): ConvolutionNode[] {
  return auxiliary.map(({ tensor }) => ({
    op: 'convolution',
    name: `${PREFIX}${tensor}`,
    inputs: [tensor],
    channels: head.classes,
    kernel: Array<number>(dimensions).fill(1),
    padding: 'valid',
    bias: true,
  }))
}

/** A network as it is used once it is trained: without its auxiliary heads, what leads to them alone, and their weights. */
export function withoutAuxiliary(
  spec: NetworkSpec,
  weights: Weights,
): { readonly spec: NetworkSpec; readonly weights: Weights } {
  if (spec.auxiliary === undefined) return { spec, weights }
  const { auxiliary, ...rest } = spec
  const used = usedTensors(rest)
  const left = new Set(spec.nodes.map(({ name }) => name).filter((name) => !used.has(name)))
  const isKept = (weight: string): boolean =>
    !weight.startsWith(PREFIX) && !left.has(weight.slice(0, weight.lastIndexOf('.')))
  return {
    spec: { ...rest, nodes: spec.nodes.filter(({ name }) => used.has(name)) },
    weights: new Map([...weights].filter(([name]) => isKept(name))),
  }
}
