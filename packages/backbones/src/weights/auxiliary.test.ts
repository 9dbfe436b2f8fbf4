import { ssnHead } from '@stochseg/core'
import { expect, it } from 'vitest'
import type { NetworkNode } from '../spec/network-spec'
import { networkSpec } from '../spec/validate'
import { withoutAuxiliary } from './auxiliary'
import { initialWeights } from './initial-weights'
import { checkWeights } from './parameters'

const convolution = (name: string, input: string): NetworkNode => ({
  op: 'convolution',
  name,
  inputs: [input],
  channels: 2,
  kernel: [3, 3],
  padding: 'same',
  bias: true,
})

it('leaves out auxiliary heads, what leads to them alone, and their weights', () => {
  const head = ssnHead({ classes: 2, rank: 1 })
  const spec = networkSpec({
    format: 'stochseg.network',
    version: 1,
    name: 'branched',
    dimensions: 2,
    inputs: [{ name: 'image', channels: 1 }],
    // The names of the branch and of the trunk begin alike.
    nodes: [convolution('a', 'image'), convolution('a.branch', 'a'), convolution('a.branch.trunk', 'a')],
    features: 'a.branch.trunk',
    auxiliary: [{ tensor: 'a.branch', weight: 0.5 }],
  })
  const used = withoutAuxiliary(spec, initialWeights(spec, head, { seed: 0 }))
  expect(networkSpec(used.spec).nodes.map(({ name }) => name)).toEqual(['a', 'a.branch.trunk'])
  expect(() => checkWeights(used.spec, head, used.weights)).not.toThrow()
})
