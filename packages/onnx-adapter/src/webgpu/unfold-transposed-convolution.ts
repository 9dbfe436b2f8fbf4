// Transposed convolutions whose windows do not overlap, in 3D: each input voxel becomes a block of output voxels, so a
// 1×1×1 convolution with a channel for each voxel of the block computes the same, and the channels are laid out in space.
import type { AttributedNode, GraphConstants, Replacement } from './edit-graph'

/**
 * Nodes that compute what a 3D transposed convolution of stride = kernel does; undefined where it is another one.
 * `[N, Co·K, D, H, W]` → `[N, Co, kd, kh, kw, D, H, W]` → `[N, Co, D, kd, H, kh, W, kw]` → `[N, Co, D·kd, H·kh, W·kw]`.
 */
export function unfoldTransposedConvolution(
  node: AttributedNode,
  constants: GraphConstants,
): Replacement | undefined {
  const [input, weightName, biasName] = node.inputs
  const weight = constants.get(weightName!)
  const values = weight?.values()
  const bias = biasName ? constants.get(biasName)?.values() : undefined
  if (!weight || !values || (biasName && !bias) || !isUnfoldable(node, weight.shape)) return undefined

  const [inputChannels, channels, ...kernel] = weight.shape as [number, number, ...number[]]
  const block = kernel.reduce((product, length) => product * length, 1)
  const name = (part: string): string => `${node.name}.unfolded.${part}`
  const operator = (
    operation: string,
    inputs: readonly string[],
    output: string,
    attributes: Replacement['nodes'][number]['attributes'] = {},
  ): Replacement['nodes'][number] => ({ name: output, operation, inputs, outputs: [output], attributes })
  const integers = (part: string, numbers: readonly number[]): Replacement['constants'][number] => ({
    name: name(part),
    shape: [numbers.length],
    data: BigInt64Array.from(numbers, BigInt),
  })
  return {
    nodes: [
      operator('Conv', [input!, name('weight'), ...(bias ? [name('bias')] : [])], name('blocks'), {
        kernel_shape: { ints: [1, 1, 1] },
      }),
      operator('Shape', [input!], name('shape')),
      operator('Gather', [name('shape'), name('axes')], name('size')),
      // In a new shape, 0 keeps a length.
      operator('Concat', [name('split'), name('size')], name('splitShape'), { axis: { int: 0 } }),
      operator('Reshape', [name('blocks'), name('splitShape')], name('splitBlocks')),
      operator('Transpose', [name('splitBlocks')], name('interleaved'), {
        perm: { ints: [0, 1, 5, 2, 6, 3, 7, 4] },
      }),
      operator('Mul', [name('size'), name('kernel')], name('outputSize')),
      operator('Concat', [name('kept'), name('outputSize')], name('outputShape'), { axis: { int: 0 } }),
      operator('Reshape', [name('interleaved'), name('outputShape')], node.outputs[0]!),
    ],
    constants: [
      {
        name: name('weight'),
        shape: [channels * block, inputChannels, 1, 1, 1],
        data: transposed(values, inputChannels, channels * block),
      },
      ...(bias
        ? [
            {
              name: name('bias'),
              shape: [channels * block],
              data: Float32Array.from({ length: channels * block }, (_, i) => bias[Math.floor(i / block)]!),
            },
          ]
        : []),
      integers('axes', [2, 3, 4]),
      integers('split', [0, channels, ...kernel]),
      integers('kernel', kernel),
      integers('kept', [0, channels]),
    ],
  }
}

function isUnfoldable(
  { operation, integers, strings }: AttributedNode,
  [, , ...kernel]: readonly number[],
): boolean {
  const all = (name: string, value: number): boolean =>
    (integers.get(name) ?? []).every((length) => length === value)
  return (
    operation === 'ConvTranspose' &&
    kernel.length === 3 &&
    String(integers.get('strides')) === String(kernel) &&
    all('group', 1) &&
    all('dilations', 1) &&
    all('pads', 0) &&
    all('output_padding', 0) &&
    !integers.has('output_shape') &&
    ['NOTSET', 'VALID'].includes(strings.get('auto_pad') ?? 'NOTSET')
  )
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = values[row * columns + column]!
    }
  }
  return result
}
