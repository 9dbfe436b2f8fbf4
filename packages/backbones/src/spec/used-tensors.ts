// Which tensors of a spec its heads depend on.
import type { NetworkSpec } from './network-spec'

/** The features, what auxiliary heads read, and every tensor that these are computed from. */
export function usedTensors({
  nodes,
  features,
  auxiliary = [],
}: Pick<NetworkSpec, 'nodes' | 'features' | 'auxiliary'>): ReadonlySet<string> {
  const used = new Set([features, ...auxiliary.map(({ tensor }) => tensor)])
  for (const { name, inputs } of nodes.toReversed()) {
    if (used.has(name)) for (const input of inputs) used.add(input)
  }
  return used
}
