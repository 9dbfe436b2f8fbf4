// Group normalisation in ONNX's operator set 17, which has instance normalisation only.
import type { GroupNormNode } from '@stochseg/backbones'
import type { OnnxInitializer } from './protobuf/onnx-model'
import type { GraphPart } from './spec-graph'

/**
 * Instance normalisation where every channel is a group; else of the groups as channels of one long axis, then scale
 * and bias of the channels.
 */
export function groupNormalisation(node: GroupNormNode, channels: number, dimensions: number): GraphPart {
  const { name, groups } = node
  const [input] = node.inputs
  const part = (suffix: string): string => `${name}.${suffix}`
  const attributes = { epsilon: { float: node.epsilon } }
  const instances = (x: string, scale: string, bias: string, output: string): GraphPart['nodes'][number] => ({
    name: output,
    operation: 'InstanceNormalization',
    inputs: [x, scale, bias],
    outputs: [output],
    attributes,
  })
  if (groups === channels) {
    return { nodes: [instances(input!, part('scale'), part('bias'), name)], constants: [] }
  }

  const operator = (
    operation: string,
    inputs: readonly string[],
    output: string,
  ): GraphPart['nodes'][number] => ({
    name: output,
    operation,
    inputs,
    outputs: [output],
  })
  const integers = (suffix: string, values: readonly number[]): OnnxInitializer => ({
    name: part(suffix),
    shape: [values.length],
    data: BigInt64Array.from(values, BigInt),
  })
  const floats = (suffix: string, value: number): OnnxInitializer => ({
    name: part(suffix),
    shape: [groups],
    data: new Float32Array(groups).fill(value),
  })
  return {
    nodes: [
      operator('Shape', [input!], part('shape')),
      // 0 keeps the batch's length, −1 stands for all that is left.
      operator('Reshape', [input!, part('grouped')], part('groups')),
      instances(part('groups'), part('ones'), part('zeros'), part('normalised')),
      operator('Reshape', [part('normalised'), part('shape')], part('image')),
      operator('Unsqueeze', [part('scale'), part('axes')], part('channelScale')),
      operator('Unsqueeze', [part('bias'), part('axes')], part('channelBias')),
      operator('Mul', [part('image'), part('channelScale')], part('scaled')),
      operator('Add', [part('scaled'), part('channelBias')], name),
    ],
    constants: [
      integers('grouped', [0, groups, -1]),
      floats('ones', 1),
      floats('zeros', 0),
      integers(
        'axes',
        Array.from({ length: dimensions }, (_, axis) => axis + 1),
      ),
    ],
  }
}
