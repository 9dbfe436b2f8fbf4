import { readFile } from 'node:fs/promises'
import { ssnHead } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { deepmedicBrats } from '../networks/deepmedic'
import { unet, unetLidc } from '../networks/unet'
import { headNodes } from '../weights/head'
import { parameterCount } from '../weights/parameters'
import { describeNode, networkDiagram, networkTable } from './describe-network'
import { networkCost } from './network-cost'
import type { NetworkSpec } from './network-spec'
import { networkSpec } from './validate'

const head = ssnHead({ classes: 2, rank: 3 })
const spec: NetworkSpec = networkSpec({
  format: 'stochseg.network',
  version: 1,
  name: 'tiny',
  dimensions: 2,
  inputs: [{ name: 'image', channels: 2 }],
  nodes: [
    {
      op: 'convolution',
      name: 'first',
      inputs: ['image'],
      channels: 5,
      kernel: [3, 3],
      padding: 'valid',
      bias: true,
    },
    { op: 'activation', name: 'relu', inputs: ['first'], function: 'relu' },
    { op: 'pool', name: 'pool', inputs: ['relu'], kind: 'max', window: [2, 2] },
    { op: 'transposedConvolution', name: 'up', inputs: ['pool'], channels: 3, factor: [2, 2], bias: false },
    { op: 'concat', name: 'both', inputs: ['relu', 'up'] },
  ],
  features: 'both',
})

// Expected values are worked out by hand.
describe('networkCost', () => {
  const cost = networkCost({ spec, head }, [10, 6])

  it('counts parameters and multiply-adds of every node, the head included', () => {
    const byName = Object.fromEntries(cost.nodes.map(({ node, ...rest }) => [node.name, rest]))
    expect(byName.first).toEqual({ shape: [5, 8, 4], parameters: 95, multiplyAdds: 5 * 32 * 2 * 9 })
    expect(byName.up).toEqual({ shape: [3, 8, 4], parameters: 60, multiplyAdds: 3 * 32 * 5 })
    expect(byName['head.factor']).toEqual({ shape: [6, 8, 4], parameters: 54, multiplyAdds: 6 * 32 * 8 })
    expect(byName.relu).toEqual({ shape: [5, 8, 4], parameters: 0, multiplyAdds: 0 })
    expect(cost.parameters).toBe(parameterCount(spec, head))
  })

  it('counts memory: the most at one time, and all together', () => {
    // image 120, first 160, relu 160, pool 40, up 96, both 256, head 64 + 64 + 192 values.
    expect(cost.trainingBytes).toBe(4 * (120 + 160 + 160 + 40 + 96 + 256 + 320))
    // At the end: the features and what the head gives.
    expect(cost.inferenceBytes).toBe(4 * (256 + 320))
  })

  it("counts the paper's networks", () => {
    const lidc = networkCost({ spec: unetLidc(), head: ssnHead({ classes: 2, rank: 10 }) }, [128, 128])
    expect(lidc.parameters).toBe(10_319_776 + 792)
    const brats = networkCost(
      { spec: deepmedicBrats(), head: ssnHead({ classes: 4, rank: 10 }) },
      [110, 110, 110],
    )
    expect(brats.parameters).toBe(1_051_012)
    // The finest pathway's second convolution: 42³ voxels, 30 × 30 × 27 products each.
    const second = brats.nodes.find(({ node }) => node.name === 'path2.block1.conv')!
    expect(second.multiplyAdds).toBe(42 ** 3 * 30 * 30 * 27)
  })
})

describe('networkTable', () => {
  it('has a row for each node and the totals', () => {
    const lines = networkTable(networkCost({ spec, head }, [10, 6]))
      .trimEnd()
      .split('\n')
    expect(lines).toHaveLength(2 + 5 + 3 + 1)
    expect(lines[2]!.split('|').map((cell) => cell.trim())).toEqual([
      '',
      'first',
      'convolution 3×3, valid → 5',
      'image',
      '5 × 8 × 4',
      '95',
      '2,880',
      '',
    ])
    expect(new Set(lines.map((line) => line.length)).size).toBe(1)
  })
})

describe('networkDiagram', () => {
  it('joins what follows without a branch, and draws every other edge', () => {
    expect(networkDiagram({ ...spec, nodes: [...spec.nodes, ...headNodes(spec, head).slice(0, 1)] })).toBe(
      `flowchart TD
  t0["<b>image</b><br/>2 channels"]
  t1["<b>first</b><br/>convolution 3×3, valid → 5<br/>relu"]
  t2["<b>pool</b><br/>max pool 2×2<br/>transposed convolution 2×2 → 3"]
  t3["<b>both</b><br/>concatenation<br/>convolution 1×1 → 2"]
  t0 --> t1
  t1 --> t2
  t1 --> t3
  t2 --> t3
`,
    )
  })

  it('is what the page shows', async () => {
    const page = await readFile(new URL('../../../../docs/backbones.md', import.meta.url), 'utf8')
    const drawn = networkDiagram(unet({ inputChannels: 1, widths: [32, 64, 128], convolutionsPerLevel: 1 }))
    expect(page).toContain(`\`\`\`mermaid\n${drawn}\`\`\``)
  })

  it('describes every operation', () => {
    const all = [
      ...unet({ inputChannels: 1, widths: [4, 8], normalisation: 'group', groups: 2 }).nodes,
      ...deepmedicBrats().nodes,
    ]
    const words = new Set(all.map(describeNode))
    for (const expected of [
      'normalisation of 2 groups',
      'linear up-sampling 2×2',
      'every 5×5×5 from 2×2×2',
      'crop 16×16×16 before, 16×16×16 after',
      'dropout 0.5',
      'batch normalisation',
      'sum',
      'convolution 1×1×1 → 250',
    ])
      expect([...words]).toContain(expected)
  })
})
