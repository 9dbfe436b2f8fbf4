// Operations on each value by itself, on several tensors voxel by voxel, and across the channels of one voxel.
import type { GraphBuilder } from '../graph-builder'
import type { OnnxAttribute } from '../protobuf/onnx-model'
import {
  axisOf,
  type EmitOperation,
  emitPlain,
  type GraphTensor,
  type OperationCall,
  plain,
} from './graph-tensor'

type Attributes = Readonly<Record<string, OnnxAttribute>>

/** An operation on one tensor. */
export const single =
  (operation: string, attributes: Attributes = {}): EmitOperation =>
  ({ graph, node, tensor }) => {
    const { name, axes } = tensor(0)
    return { name: graph.operator(operation, [name], attributes, node.name), axes }
  }

/** An operation on several tensors, each of which may be a constant or be broadcast. */
const joint =
  (operation: string): EmitOperation =>
  (call) => {
    const { graph, node, tensor, isConstant } = call
    const inputs = node.inputs.map((_, index) => index)
    const computed = inputs.filter((index) => !isConstant(index)).map((index) => tensor(index))
    const axes = Math.max(...computed.map((each) => each.axes))
    if (computed.every((each) => each.axes === axes)) {
      const names = inputs.map((index) => tensor(index, axes).name)
      return { name: graph.operator(operation, names, {}, node.name), axes }
    }
    // Broadcast by their last axes, so in TensorFlow's order.
    const names = inputs.map((index) => plain(call, tensor(index)))
    return emitPlain(call, operation, names, {}, axes)
  }

/** An operation across channels. */
const acrossChannels =
  (operation: string): EmitOperation =>
  (call) => {
    const x = call.tensor(0)
    const attributes = { axis: { int: axisOf(call, x, -1) } }
    return { name: call.graph.operator(operation, [x.name], attributes, call.node.name), axes: x.axes }
  }

const squaredDifference: EmitOperation = (call) => {
  const { graph, node } = call
  const difference = joint('Sub')({ ...call, node: { ...node, name: `${node.name}.difference` } })
  return {
    name: graph.operator('Mul', [difference.name, difference.name], {}, node.name),
    axes: difference.axes,
  }
}

/** Everything is float32, integers too: only what makes whole numbers of others changes values. */
const cast: EmitOperation = (call) => {
  const { graph, node, tensor } = call
  const type = (name: string): string => node.attributes.get(name)?.type ?? 'DT_FLOAT'
  const isFraction = (name: string): boolean => /FLOAT|HALF|DOUBLE/.test(type(name))
  if (!isFraction('SrcT') || isFraction('DstT')) return single('Identity')(call)
  const { name, axes } = tensor(0)
  const whole = graph.operator('Cast', [name], { to: { int: 7 } })
  return { name: graph.operator('Cast', [whole], { to: { int: 1 } }, node.name), axes }
}

const chain =
  (...operations: readonly string[]): EmitOperation =>
  ({ graph, node, tensor }) => {
    const { name, axes } = tensor(0)
    const first = operations.slice(0, -1).reduce((x, operation) => graph.operator(operation, [x]), name)
    return { name: graph.operator(operations.at(-1)!, [first], {}, node.name), axes }
  }

const square: EmitOperation = ({ graph, node, tensor }) => {
  const { name, axes } = tensor(0)
  return { name: graph.operator('Mul', [name, name], {}, node.name), axes }
}

type EmitFunction = (graph: GraphBuilder, call: OperationCall, input: string, output: string) => void

const clip =
  (most: number): EmitFunction =>
  (graph, _, input, output) => {
    graph.operator('Clip', [input, graph.floats([0], []), graph.floats([most], [])], {}, output)
  }

const leakyRelu =
  (attribute: string): EmitFunction =>
  (graph, { node }, input, output) => {
    const alpha = { float: node.attributes.get(attribute)?.f ?? 0.2 }
    graph.operator('LeakyRelu', [input], { alpha }, output)
  }

const named =
  (operation: string): EmitFunction =>
  (graph, _, input, output) => {
    graph.operator(operation, [input], {}, output)
  }

/** Activations that are fused with what comes before them. */
export const FUSED: Readonly<Record<string, EmitFunction>> = {
  Relu: named('Relu'),
  Relu6: clip(6),
  Sigmoid: named('Sigmoid'),
  Tanh: named('Tanh'),
  Elu: named('Elu'),
  LeakyRelu: leakyRelu('leakyrelu_alpha'),
}

const activation =
  (emit: EmitFunction): EmitOperation =>
  (call) => {
    const { name, axes }: GraphTensor = call.tensor(0)
    emit(call.graph, call, name, call.node.name)
    return { name: call.node.name, axes }
  }

const prelu: EmitOperation = ({ graph, node, tensor }) => {
  const { name, axes } = tensor(0)
  return { name: graph.operator('PRelu', [name, tensor(1, axes).name], {}, node.name), axes }
}

/** Operations by TensorFlow's names. */
export const ELEMENTWISE_OPERATIONS: Readonly<Record<string, EmitOperation>> = {
  Identity: single('Identity'),
  StopGradient: single('Identity'),
  Cast: cast,
  BiasAdd: joint('Add'),
  Add: joint('Add'),
  AddV2: joint('Add'),
  AddN: joint('Sum'),
  Sub: joint('Sub'),
  Mul: joint('Mul'),
  RealDiv: joint('Div'),
  Maximum: joint('Max'),
  Minimum: joint('Min'),
  Pow: joint('Pow'),
  SquaredDifference: squaredDifference,
  Square: square,
  Sqrt: single('Sqrt'),
  Rsqrt: chain('Sqrt', 'Reciprocal'),
  Exp: single('Exp'),
  Log: single('Log'),
  Neg: single('Neg'),
  Abs: single('Abs'),
  Relu: activation(FUSED.Relu!),
  Relu6: activation(FUSED.Relu6!),
  LeakyRelu: activation(leakyRelu('alpha')),
  Prelu: prelu,
  Elu: single('Elu'),
  Selu: single('Selu'),
  Sigmoid: single('Sigmoid'),
  Tanh: single('Tanh'),
  Softplus: single('Softplus'),
  Softmax: acrossChannels('Softmax'),
  LogSoftmax: acrossChannels('LogSoftmax'),
}
