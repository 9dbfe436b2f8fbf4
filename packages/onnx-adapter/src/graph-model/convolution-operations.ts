// Convolutions of all kinds, pools, normalisation and products of matrices, with what was fused with them.
import {
  POOLS,
  poolAttributes,
  transposedWindowAttributes,
  type Window,
  windowAttributes,
} from '../convolution-window'
import type { OnnxAttribute } from '../protobuf/onnx-model'
import { depthwiseKernel, planarKernel } from '../tfjs-weights'
import { FUSED } from './elementwise-operations'
import { integers, text, texts } from './graph-model-artefacts'
import { type EmitOperation, type GraphTensor, type OperationCall, operationError } from './graph-tensor'

type Attributes = Readonly<Record<string, OnnxAttribute>>

/** Lengths of an attribute along the spatial axes. */
function spatial(call: OperationCall, name: string): number[] {
  const values = integers(call.node, name)
  return values.length === call.axes ? values.slice(1, -1) : Array<number>(call.axes - 2).fill(1)
}

/** A window's attributes, or those of a padding that is said in numbers. */
function windowOf(call: OperationCall, kernel: readonly number[]): Attributes {
  const padding = text(call.node, 'padding')
  const [stride, dilation] = [spatial(call, 'strides'), spatial(call, 'dilations')]
  const window: Window = { kernel, stride, dilation, same: padding === 'SAME' }
  const isPool = call.node.operation.includes('Pool')
  if (padding === 'SAME' || padding === 'VALID') {
    const attributes = isPool ? poolAttributes(window) : windowAttributes(window)
    if (attributes) return attributes
    throw operationError(call, `windows of ${kernel} at strides of ${stride}`, POOLS)
  }
  const explicit = integers(call.node, 'explicit_paddings').slice(2, -2)
  if (padding !== 'EXPLICIT' || explicit.length !== 2 * kernel.length) {
    throw operationError(call, `padding ${padding}`, 'SAME, VALID or EXPLICIT')
  }
  const sides = [0, 1].flatMap((side) => kernel.map((_, axis) => explicit[2 * axis + side]!))
  return { ...windowAttributes(window), pads: { ints: sides } }
}

/** A convolution's kernel, what it reads, and what was fused with it, for a window of one's own. */
export function emitConvolution(
  call: OperationCall,
  input: string,
  attributesOf: (kernel: readonly number[]) => Attributes,
  output: string,
): GraphTensor {
  const { graph, node, axes } = call
  const depthwise = node.operation.includes('Depthwise')
  const { shape, data } = (depthwise ? depthwiseKernel : planarKernel)(call.constant(1))
  const [channels, , ...size] = shape
  const group = depthwise ? { group: { int: call.constant(1).shape.at(-2)! } } : {}
  const kernel = graph.floats(data, shape, `${node.name}.kernel`)
  return emitFused(
    call,
    { operation: 'Conv', inputs: [input, kernel], channels: channels!, output, axes },
    {
      ...attributesOf(size),
      ...group,
    },
  )
}

interface Fusible {
  readonly operation: string
  readonly inputs: readonly string[]
  readonly channels: number
  readonly output: string
  readonly axes: number
}

/** An operation that takes a bias, and the activation behind it. */
function emitFused(
  call: OperationCall,
  { operation, inputs, channels, output, axes }: Fusible,
  attributes: Attributes,
): GraphTensor {
  const { graph, node } = call
  const fused = texts(node, 'fused_ops')
  const bias =
    fused[0] === 'BiasAdd' ? [graph.floats(call.constant(2).data, [channels], `${node.name}.bias`)] : []
  const rest = fused.slice(bias.length)
  const activation = rest[0] === undefined ? undefined : FUSED[rest[0]]
  if (rest.length > 1 || (rest.length === 1 && !activation)) {
    throw operationError(call, `fused ${rest.join(', ')}`, `one of ${Object.keys(FUSED).join(', ')}`)
  }
  const given = graph.operator(operation, [...inputs, ...bias], attributes, activation ? undefined : output)
  activation?.(graph, call, given, output)
  return { name: output, axes }
}

const convolution: EmitOperation = (call) =>
  emitConvolution(call, call.tensor(0).name, (kernel) => windowOf(call, kernel), call.node.name)

const transposedConvolution: EmitOperation = (call) => {
  const { graph, node, axes } = call
  const { shape, data } = planarKernel(call.constant(1))
  const inputs = [call.tensor(2).name, graph.floats(data, shape, `${node.name}.kernel`)]
  const padding = text(node, 'padding')
  if (padding !== 'SAME' && padding !== 'VALID')
    throw operationError(call, `padding ${padding}`, 'SAME or VALID')
  const window: Window = {
    kernel: shape.slice(2),
    stride: spatial(call, 'strides'),
    same: padding === 'SAME',
  }
  const attributes = transposedWindowAttributes(window)
  if (!call.isConstant(0)) return { name: emitToComputedSize(call, inputs, window), axes }
  const size = toSize(window, [...call.constant(0).data].slice(1, -1))
  return { name: graph.operator('ConvTranspose', inputs, { ...attributes, ...size }, node.name), axes }
}

/**
 * A transposed convolution of a size that the graph computes: of the largest output that there is, the part that is asked for.
 *
 * Where L voxels had been padded to the same, (n − 1) · stride + kernel − L of all, n being the input's, were padding, half
 * of it before.
 */
function emitToComputedSize(call: OperationCall, inputs: readonly string[], window: Window): string {
  const { graph, node } = call
  const { kernel, stride, same } = window
  const slice = (of: string, start: number, end: number): string =>
    graph.operator('Slice', [of, graph.integers([start]), graph.integers([end])])
  const size = slice(call.lengths(0).name, 1, kernel.length + 1)
  const zeros = kernel.map(() => 0)
  const surplus = (): string => {
    const read = slice(graph.operator('Shape', [inputs[0]!]), 2, kernel.length + 2)
    const strided = graph.operator('Mul', [read, graph.integers(stride)])
    const more = graph.integers(kernel.map((length, axis) => length - stride[axis]!))
    const difference = graph.operator('Sub', [graph.operator('Add', [strided, more]), size])
    return graph.operator('Max', [difference, graph.integers(zeros)])
  }
  const start = same
    ? graph.operator('Div', [surplus(), graph.integers(kernel.map(() => 2))])
    : graph.integers(zeros)
  const whole = graph.operator('ConvTranspose', inputs, {
    ...transposedWindowAttributes({ ...window, same: false }),
    output_padding: { ints: stride.map((step) => step - 1) },
  })
  const end = graph.operator('Add', [start, size])
  const axes = graph.integers(kernel.map((_, axis) => axis + 2))
  return graph.operator('Slice', [whole, start, end, axes], {}, node.name)
}

/** Attributes that give this size: with a stride, several sizes would have come from as many voxels. */
function toSize({ kernel, stride, same }: Window, size: readonly number[]): Attributes {
  const surplus = size.map((length, axis) => {
    const [window, step] = [kernel[axis]!, stride[axis]!]
    const read = same ? Math.ceil(length / step) : Math.floor((length - window) / step) + 1
    return (read - 1) * step + window - length
  })
  const pads = [Math.floor, Math.ceil].flatMap((half) => surplus.map((sum) => half(Math.max(sum, 0) / 2)))
  return { pads: { ints: pads }, output_padding: { ints: surplus.map((sum) => Math.max(-sum, 0)) } }
}

/**
 * A dilated convolution as TensorFlow writes it: SpaceToBatchND, a valid convolution, BatchToSpaceND.
 *
 * The former pads, the latter crops what was padded to a multiple of the dilation.
 */
const dilatedConvolution: EmitOperation = (call) => {
  const inner = call.producer(0)
  const { node } = inner
  const isConvolution =
    CONVOLUTION_OPERATIONS[node.operation] === convolution && text(node, 'padding') === 'VALID'
  const outer = isConvolution ? inner.producer(0) : undefined
  const blocks = [...call.constant(1).data]
  const strided = isConvolution && spatial(inner, 'strides').some((step) => step > 1)
  if (
    outer?.node.operation !== 'SpaceToBatchND' ||
    strided ||
    blocks.length !== call.axes - 2 ||
    String([...outer.constant(1).data]) !== String(blocks)
  ) {
    throw operationError(
      call,
      `input '${node.name}', ${node.operation}`,
      'a valid convolution of stride 1 between SpaceToBatchND and BatchToSpaceND of the same blocks for each axis',
    )
  }
  const dilation = spatial(inner, 'dilations').map((step, axis) => step * blocks[axis]!)
  const [paddings, crops] = [outer.constant(2).data, call.constant(2).data]
  const pads = [0, 1].flatMap((side) =>
    blocks.map((_, axis) => paddings[2 * axis + side]! - crops[2 * axis + side]!),
  )
  if (pads.some((length) => length < 0)) {
    throw operationError(
      call,
      `crops [${[...crops]}] of paddings [${[...paddings]}]`,
      'no more cropped than padded',
    )
  }
  const window = (kernel: readonly number[]): Attributes => ({
    ...windowAttributes({ kernel, stride: kernel.map(() => 1), dilation, same: false }),
    pads: { ints: pads },
  })
  return emitConvolution(inner, outer.tensor(0).name, window, call.node.name)
}

const pool =
  (operation: string): EmitOperation =>
  (call) => {
    const attributes = windowOf(call, spatial(call, 'ksize'))
    const { name, axes } = call.tensor(0)
    return { name: call.graph.operator(operation, [name], attributes, call.node.name), axes }
  }

const batchNormalisation: EmitOperation = (call) => {
  const { graph, node, axes } = call
  const parts = ['scale', 'bias', 'mean', 'variance'].map((part, index) => {
    const { data } = call.constant(index + 1)
    return graph.floats(data, [data.length], `${node.name}.${part}`)
  })
  const epsilon = { float: node.attributes.get('epsilon')?.f ?? 1e-4 }
  const inputs = [call.tensor(0).name, ...parts]
  return { name: graph.operator('BatchNormalization', inputs, { epsilon }, node.name), axes }
}

const product: EmitOperation = (call) => {
  const { graph, node } = call
  const x = call.tensor(0)
  const kernel = call.constant(1)
  const flag = (name: string): boolean => node.attributes.get(name)?.b === true
  if (x.axes !== 2 || flag('transpose_a')) throw operationError(call, `${x.axes} axes`, 'rows')
  const channels = kernel.shape.at(flag('transpose_b') ? 0 : 1)!
  const inputs = [x.name, graph.floats(kernel.data, kernel.shape, `${node.name}.kernel`)]
  const attributes = { transB: { int: flag('transpose_b') ? 1 : 0 } }
  return emitFused(call, { operation: 'Gemm', inputs, channels, output: node.name, axes: 2 }, attributes)
}

/** Operations by TensorFlow's names. */
export const CONVOLUTION_OPERATIONS: Readonly<Record<string, EmitOperation>> = {
  Conv2D: convolution,
  Conv3D: convolution,
  _FusedConv2D: convolution,
  DepthwiseConv2dNative: convolution,
  FusedDepthwiseConv2dNative: convolution,
  Conv2DBackpropInput: transposedConvolution,
  Conv3DBackpropInputV2: transposedConvolution,
  BatchToSpaceND: dilatedConvolution,
  FusedBatchNorm: batchNormalisation,
  FusedBatchNormV3: batchNormalisation,
  AvgPool: pool('AveragePool'),
  AvgPool3D: pool('AveragePool'),
  MaxPool: pool('MaxPool'),
  MaxPool3D: pool('MaxPool'),
  MatMul: product,
  _FusedMatMul: product,
}
