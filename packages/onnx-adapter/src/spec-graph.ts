// A spec's nodes as ONNX nodes, one for one, and the head after them.
import {
  type ConvolutionNode,
  headNodes,
  type NetworkNode,
  type NetworkSpec,
  type PerAxis,
  tensorChannels,
} from '@stochseg/backbones'
import type { SsnHead } from '@stochseg/core'
import { windowAttributes } from './convolution-window'
import { groupNormalisation } from './group-normalisation'
import type { OnnxAttribute, OnnxInitializer, OnnxNode } from './protobuf/onnx-model'

/** Nodes and the constants they need beside the network's weights. */
export interface GraphPart {
  readonly nodes: readonly OnnxNode[]
  readonly constants: readonly OnnxInitializer[]
}

/** The nodes of a spec in inference mode. Outputs and weights bear the spec's names. */
export function onnxBody(spec: NetworkSpec): GraphPart[] {
  const channels = tensorChannels(spec)
  return spec.nodes.map((node) => onnxNode(node, channels.get(node.inputs[0]!)!, spec.dimensions))
}

/** One node of a spec. Its weights are constants `<node>.<part>`. */
export function onnxNode(node: NetworkNode, inputChannels: number, dimensions: number): GraphPart {
  const operator = (
    operation: string,
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    weights: readonly string[] = [],
    constants: readonly OnnxInitializer[] = [],
  ): GraphPart => ({
    nodes: [
      {
        name: node.name,
        operation,
        inputs: [
          ...node.inputs,
          ...weights.map((part) => part && `${node.name}.${part}`),
          ...constants.map(({ name }) => name),
        ],
        outputs: [node.name],
        attributes,
      },
    ],
    constants,
  })
  const integers = (part: string, values: readonly number[]): OnnxInitializer => ({
    name: `${node.name}.${part}`,
    shape: [values.length],
    data: BigInt64Array.from(values, BigInt),
  })
  const cut = (starts: PerAxis, ends: PerAxis, steps: PerAxis): GraphPart =>
    operator(
      'Slice',
      {},
      [],
      [
        integers('starts', starts),
        integers('ends', ends),
        integers(
          'axes',
          starts.map((_, axis) => axis + 2),
        ),
        integers('steps', steps),
      ],
    )

  switch (node.op) {
    case 'convolution':
      return operator('Conv', convolutionAttributes(node), node.bias ? ['weight', 'bias'] : ['weight'])
    case 'transposedConvolution':
      return operator(
        'ConvTranspose',
        { kernel_shape: { ints: node.factor }, strides: { ints: node.factor } },
        node.bias ? ['weight', 'bias'] : ['weight'],
      )
    case 'groupNorm':
      return groupNormalisation(node, inputChannels, dimensions)
    case 'batchNorm':
      return operator('BatchNormalization', { epsilon: { float: node.epsilon } }, [
        'scale',
        'bias',
        'mean',
        'variance',
      ])
    case 'activation':
      switch (node.function) {
        case 'relu':
          return operator('Relu')
        case 'prelu':
          return operator('PRelu', {}, ['slope'])
        case 'leakyRelu':
          return operator('LeakyRelu', { alpha: { float: node.slope ?? 0.01 } })
        case 'sigmoid':
          return operator('Sigmoid')
        case 'tanh':
          return operator('Tanh')
      }
      break
    case 'pool':
      return operator(node.kind === 'max' ? 'MaxPool' : 'AveragePool', {
        kernel_shape: { ints: node.window },
        strides: { ints: node.window },
      })
    case 'upsample':
      return operator(
        'Resize',
        node.kind === 'linear'
          ? { mode: { string: 'linear' }, coordinate_transformation_mode: { string: 'half_pixel' } }
          : {
              mode: { string: 'nearest' },
              coordinate_transformation_mode: { string: 'asymmetric' },
              nearest_mode: { string: 'floor' },
            },
        // The region of interest is left out.
        [''],
        [
          {
            name: `${node.name}.scales`,
            shape: [node.factor.length + 2],
            data: Float32Array.of(1, 1, ...node.factor),
          },
        ],
      )
    case 'concat':
      return operator('Concat', { axis: { int: 1 } })
    case 'add':
      return operator('Add')
    case 'crop':
      return cut(
        node.before,
        node.after.map((length) => (length === 0 ? END : -length)),
        node.before.map(() => 1),
      )
    case 'slice':
      return cut(
        node.start,
        node.start.map(() => END),
        node.step,
      )
    case 'dropout':
      return operator('Identity')
  }
}

/** The head on the features: outputs `mean`, then `factor` and `diagonal` where it has them. */
export function onnxHead(spec: NetworkSpec, head: SsnHead): GraphPart {
  const convolutions = headNodes(spec, head).map((node): OnnxNode => {
    const weights = node.bias ? ['weight', 'bias'] : ['weight']
    return {
      name: node.name,
      operation: 'Conv',
      inputs: [spec.features, ...weights.map((part) => `${node.name}.${part}`)],
      outputs: [node.name.replace('head.', '')],
      attributes: convolutionAttributes(node),
    }
  })
  if (head.kind === 'deterministic') return { nodes: convolutions, constants: [] }
  return {
    nodes: [
      ...convolutions,
      { name: 'head.variance', operation: 'Exp', inputs: ['logDiagonal'], outputs: ['head.variance'] },
      {
        name: 'head.diagonal',
        operation: 'Add',
        inputs: ['head.variance', 'head.epsilon'],
        outputs: ['diagonal'],
      },
    ],
    constants: [{ name: 'head.epsilon', shape: [], data: Float32Array.of(head.epsilon) }],
  }
}

/** ONNX's way to say "to the end" of an axis. */
const END = 2 ** 31 - 1

function convolutionAttributes(node: ConvolutionNode): Record<string, OnnxAttribute> {
  const { kernel, stride = kernel.map(() => 1), dilation, padding } = node
  return windowAttributes({ kernel, stride, ...(dilation ? { dilation } : {}), same: padding === 'same' })
}
