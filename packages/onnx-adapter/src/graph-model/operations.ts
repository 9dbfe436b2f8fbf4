// TensorFlow's operations as ONNX nodes on planar tensors: `[N, C, *S]` where TensorFlow has `[N, *S, C]`.
import { ModelError } from '@stochseg/core'
import { transposedWindowAttributes, type Window, windowAttributes } from '../convolution-window'
import type { GraphBuilder } from '../graph-builder'
import type { OnnxAttribute } from '../protobuf/onnx-model'
import { depthwiseKernel, permuted, planarKernel, type StoredWeight } from '../tfjs-weights'
import { type GraphModelNode, integers, text, texts } from './graph-model-artefacts'

/** What an operation is emitted from. */
export interface OperationCall {
  readonly graph: GraphBuilder
  readonly node: GraphModelNode
  /** Axes of the images, batch and channels included. */
  readonly axes: number
  /** The tensor of an input; a constant becomes an operand that meets planar tensors as it met channels-last ones. */
  readonly tensor: (input: number) => string
  /** The value of an input that must be a constant. */
  readonly constant: (input: number) => StoredWeight
}

/** Emits an operation, its output under the node's name. */
export type EmitOperation = (call: OperationCall) => void

/** `[C]`, or any shape that ends in channels, to meet planar tensors. */
export function planarOperand({ shape, data }: StoredWeight, axes: number): StoredWeight {
  if (shape.length === 0) return { shape, data }
  const full = { shape: [...Array<number>(axes - shape.length).fill(1), ...shape], data }
  return permuted(full, [0, axes - 1, ...Array.from({ length: axes - 2 }, (_, axis) => axis + 1)])
}

const plain =
  (operation: string, attributes: Readonly<Record<string, OnnxAttribute>> = {}): EmitOperation =>
  ({ graph, node, tensor }) => {
    graph.operator(
      operation,
      node.inputs.map((_, index) => tensor(index)),
      attributes,
      node.name,
    )
  }

/** Lengths of an attribute along the spatial axes. */
function spatial(call: OperationCall, name: string): number[] {
  const values = integers(call.node, name)
  return values.length === call.axes ? values.slice(1, -1) : Array<number>(call.axes - 2).fill(1)
}

function windowOf(call: OperationCall, kernel: readonly number[]): Window {
  const padding = text(call.node, 'padding')
  if (padding !== 'SAME' && padding !== 'VALID')
    throw operationError(call, `padding ${padding}`, 'SAME or VALID')
  const [stride, dilation] = [spatial(call, 'strides'), spatial(call, 'dilations')]
  return { kernel, stride, dilation, same: padding === 'SAME' }
}

/** A convolution, and what was fused with it. */
const convolution =
  (depthwise: boolean): EmitOperation =>
  (call) => {
    const { graph, node } = call
    const { shape, data } = (depthwise ? depthwiseKernel : planarKernel)(call.constant(1))
    const [channels, , ...size] = shape
    const group = depthwise ? { group: { int: call.constant(1).shape.at(-2)! } } : {}
    const kernel = graph.floats(data, shape, `${node.name}.kernel`)
    const fused = texts(node, 'fused_ops')
    const bias =
      fused[0] === 'BiasAdd' ? [graph.floats(call.constant(2).data, [channels!], `${node.name}.bias`)] : []
    const rest = fused.slice(bias.length)
    const activation = rest[0] === undefined ? undefined : FUSED[rest[0]]
    if (rest.length > 1 || (rest.length === 1 && !activation)) {
      throw operationError(call, `fused ${rest.join(', ')}`, `one of ${Object.keys(FUSED).join(', ')}`)
    }
    const inputs = [call.tensor(0), kernel, ...bias]
    const output = graph.operator(
      'Conv',
      inputs,
      { ...windowAttributes(windowOf(call, size)), ...group },
      activation ? undefined : node.name,
    )
    activation?.(graph, output, node.name)
  }

type EmitFunction = (graph: GraphBuilder, input: string, output: string) => void

const relu6: EmitFunction = (graph, input, output) => {
  graph.operator('Clip', [input, graph.floats([0], []), graph.floats([6], [])], {}, output)
}

const FUSED: Readonly<Record<string, EmitFunction>> = {
  Relu: (graph, input, output) => graph.operator('Relu', [input], {}, output),
  Relu6: relu6,
  Sigmoid: (graph, input, output) => graph.operator('Sigmoid', [input], {}, output),
  Elu: (graph, input, output) => graph.operator('Elu', [input], {}, output),
}

const transposedConvolution: EmitOperation = (call) => {
  const { graph, node } = call
  const { shape, data } = planarKernel(call.constant(1))
  const inputs = [call.tensor(2), graph.floats(data, shape, `${node.name}.kernel`)]
  const attributes = transposedWindowAttributes(windowOf(call, shape.slice(2)))
  graph.operator('ConvTranspose', inputs, attributes, node.name)
}

const pool =
  (operation: string): EmitOperation =>
  (call) => {
    const attributes = windowAttributes(windowOf(call, spatial(call, 'ksize')))
    call.graph.operator(operation, [call.tensor(0)], attributes, call.node.name)
  }

const resize =
  (mode: 'linear' | 'nearest'): EmitOperation =>
  (call) => {
    const { graph, node } = call
    const flag = (name: string): boolean => node.attributes.get(name)?.b === true
    const coordinates = flag('align_corners')
      ? 'align_corners'
      : flag('half_pixel_centers')
        ? 'half_pixel'
        : 'asymmetric'
    const image = call.tensor(0)
    const kept = graph.operator('Slice', [
      graph.operator('Shape', [image]),
      graph.integers([0]),
      graph.integers([2]),
    ])
    const size = graph.integers([...call.constant(1).data])
    const sizes = graph.operator('Concat', [kept, size], { axis: { int: 0 } })
    const attributes = {
      mode: { string: mode },
      coordinate_transformation_mode: { string: coordinates },
      ...(mode === 'nearest'
        ? { nearest_mode: { string: coordinates === 'asymmetric' ? 'floor' : 'round_prefer_ceil' } }
        : {}),
    }
    graph.operator('Resize', [image, '', '', sizes], attributes, node.name)
  }

const mean: EmitOperation = (call) => {
  const { graph, node, axes } = call
  const over = [...call.constant(1).data].map((axis) => (axis < 0 ? axis + axes : axis)).sort()
  const isGlobal = String(over) === String(Array.from({ length: axes - 2 }, (_, axis) => axis + 1))
  if (!isGlobal || node.attributes.get('keep_dims')?.b !== true) {
    throw operationError(call, `a mean over axes [${over}]`, 'one over all spatial axes that keeps them')
  }
  graph.operator('GlobalAveragePool', [call.tensor(0)], {}, node.name)
}

const concatenation: EmitOperation = (call) => {
  const { graph, node, axes } = call
  const last = node.inputs.length - 1
  const [axis] = call.constant(last).data
  if (axis !== -1 && axis !== axes - 1) throw operationError(call, `axis ${axis}`, 'the last, channels')
  graph.operator(
    'Concat',
    node.inputs.slice(0, -1).map((_, index) => call.tensor(index)),
    { axis: { int: 1 } },
    node.name,
  )
}

const padding: EmitOperation = (call) => {
  const { data } = call.constant(1)
  const at = (side: number): number[] => {
    const values = Array.from({ length: call.axes }, (_, axis) => data[2 * axis + side]!)
    return [values[0]!, values.at(-1)!, ...values.slice(1, -1)]
  }
  call.graph.operator('Pad', [call.tensor(0), call.graph.integers([...at(0), ...at(1)])], {}, call.node.name)
}

const batchNormalisation: EmitOperation = (call) => {
  const { graph, node } = call
  const parts = ['scale', 'bias', 'mean', 'variance'].map((part, index) => {
    const { data } = call.constant(index + 1)
    return graph.floats(data, [data.length], `${node.name}.${part}`)
  })
  const epsilon = { float: node.attributes.get('epsilon')?.f ?? 1e-4 }
  graph.operator('BatchNormalization', [call.tensor(0), ...parts], { epsilon }, node.name)
}

const leakyRelu: EmitOperation = ({ graph, node, tensor }) => {
  graph.operator(
    'LeakyRelu',
    [tensor(0)],
    { alpha: { float: node.attributes.get('alpha')?.f ?? 0.2 } },
    node.name,
  )
}

/** Operations by TensorFlow's names. */
export const OPERATIONS: Readonly<Record<string, EmitOperation>> = {
  Identity: plain('Identity'),
  Conv2D: convolution(false),
  Conv3D: convolution(false),
  _FusedConv2D: convolution(false),
  DepthwiseConv2dNative: convolution(true),
  FusedDepthwiseConv2dNative: convolution(true),
  Conv2DBackpropInput: transposedConvolution,
  FusedBatchNormV3: batchNormalisation,
  BiasAdd: plain('Add'),
  Add: plain('Add'),
  AddV2: plain('Add'),
  AddN: plain('Sum'),
  Sub: plain('Sub'),
  Mul: plain('Mul'),
  RealDiv: plain('Div'),
  Maximum: plain('Max'),
  Minimum: plain('Min'),
  Relu: plain('Relu'),
  Relu6: ({ graph, node, tensor }) => relu6(graph, tensor(0), node.name),
  LeakyRelu: leakyRelu,
  Elu: plain('Elu'),
  Sigmoid: plain('Sigmoid'),
  Tanh: plain('Tanh'),
  Softmax: plain('Softmax', { axis: { int: 1 } }),
  AvgPool: pool('AveragePool'),
  MaxPool: pool('MaxPool'),
  Mean: mean,
  ResizeBilinear: resize('linear'),
  ResizeNearestNeighbor: resize('nearest'),
  ConcatV2: concatenation,
  Pad: padding,
}

/** An operation, or a setting of one, that cannot be exported. */
export function operationError(
  { node }: Pick<OperationCall, 'node'>,
  found: string,
  expected: string,
): ModelError {
  return new ModelError(`${node.operation} '${node.name}'`, {
    found,
    expected,
    remedy: 'Convert the model by another tool (tf2onnx) and wrap the .onnx file',
  })
}
