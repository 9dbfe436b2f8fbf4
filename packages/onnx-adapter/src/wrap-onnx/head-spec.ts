// A network of nothing but its head: what is trained where all else is frozen.
import type { NetworkSpec } from '@stochseg/backbones'

/** The tensor that the heads read in a wrapped file. */
export const HEAD_INPUT = 'head.features'

/** A body without nodes: its features are its input. */
export function headSpec(channels: number, dimensions: 2 | 3): NetworkSpec {
  return {
    format: 'stochseg.network',
    version: 1,
    name: 'heads',
    dimensions,
    inputs: [{ name: 'features', channels }],
    nodes: [],
    features: 'features',
  }
}
