// A network for people to read: as a table, and as a diagram in Mermaid's language.
import type { NetworkCost } from './network-cost'
import type { NetworkNode, NetworkSpec } from './network-spec'

/**
 * A network as a Markdown table, a row for each node: what it computes from which tensors, its output's shape `[C, *S]`,
 * parameters and multiply-adds.
 */
export function networkTable({ nodes, parameters, multiplyAdds }: NetworkCost): string {
  const rows = [
    ['node', 'operation', 'reads', 'output', 'parameters', 'multiply-adds'],
    ...nodes.map(({ node, shape, ...cost }) => [
      node.name,
      describeNode(node),
      node.inputs.join(', '),
      shape.join(' × '),
      count(cost.parameters),
      count(cost.multiplyAdds),
    ]),
    ['**total**', '', '', '', count(parameters), count(multiplyAdds)],
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const isNumber = (column: number): boolean => column >= 4
  const lines = rows.map((row) =>
    row.map((cell, column) =>
      isNumber(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
    ),
  )
  const rule = widths.map((width, column) =>
    isNumber(column) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  )
  return [lines[0]!, rule, ...lines.slice(1)].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

/**
 * A network as a Mermaid flowchart, which GitHub and many editors draw. Nodes that follow each other without a branch share
 * a box.
 *
 * @param spec the body alone, or a body whose nodes have been joined by `headNodes`.
 */
export function networkDiagram(spec: Pick<NetworkSpec, 'inputs' | 'nodes'>): string {
  const readers = new Map<string, number>()
  for (const input of spec.nodes.flatMap((node) => node.inputs)) {
    readers.set(input, (readers.get(input) ?? 0) + 1)
  }
  const boxes: string[][] = []
  const edges: string[] = []
  /** Tensor → index of the box whose last line writes it. */
  const ends = new Map<string, number>()
  for (const { name, channels } of spec.inputs) {
    ends.set(name, boxes.length)
    boxes.push([`<b>${name}</b>`, `${channels} ${channels === 1 ? 'channel' : 'channels'}`])
  }
  for (const node of spec.nodes) {
    const [first, ...others] = node.inputs
    const before = ends.get(first!)!
    const follows = others.length === 0 && readers.get(first!) === 1 && before >= spec.inputs.length
    const box = follows ? before : boxes.length
    if (follows) boxes[box]!.push(describeNode(node))
    else {
      boxes.push([`<b>${node.name}</b>`, describeNode(node)])
      for (const input of node.inputs) edges.push(`  t${ends.get(input)!} --> t${box}`)
    }
    ends.set(node.name, box)
  }
  const drawn = boxes.map((lines, index) => `  t${index}["${lines.join('<br/>').replaceAll('"', '#quot;')}"]`)
  return `${['flowchart TD', ...drawn, ...edges].join('\n')}\n`
}

/** What a node computes, in a few words. */
export function describeNode(node: NetworkNode): string {
  const sizes = (perAxis: readonly number[]): string => perAxis.join('×')
  const unless = (perAxis: readonly number[] | undefined, word: string): string =>
    perAxis?.some((value) => value > 1) ? `, ${word} ${sizes(perAxis)}` : ''
  switch (node.op) {
    case 'convolution':
      return `convolution ${sizes(node.kernel)}${unless(node.stride, 'stride')}${unless(node.dilation, 'dilation')}${node.padding === 'valid' && node.kernel.some((length) => length > 1) ? ', valid' : ''} → ${node.channels}`
    case 'transposedConvolution':
      return `transposed convolution ${sizes(node.factor)} → ${node.channels}`
    case 'batchNorm':
      return 'batch normalisation'
    case 'groupNorm':
      return `normalisation of ${node.groups} groups`
    case 'activation':
      return node.function
    case 'pool':
      return `${node.kind} pool ${sizes(node.window)}`
    case 'upsample':
      return `${node.kind} up-sampling ${sizes(node.factor)}`
    case 'concat':
      return 'concatenation'
    case 'add':
      return 'sum'
    case 'crop':
      return `crop ${sizes(node.before)} before, ${sizes(node.after)} after`
    case 'slice':
      return `every ${sizes(node.step)} from ${sizes(node.start)}`
    case 'dropout':
      return `dropout ${node.rate}`
  }
}

function count(value: number): string {
  return value === 0 ? '' : value.toLocaleString('en')
}
