// Non-linearities, alone or at the end of another layer.
import type { OnnxAttribute } from '../protobuf/onnx-model'
import { channelsFirst } from '../tfjs-weights'
import {
  constantOf,
  type EmitLayer,
  inputOf,
  type LayerCall,
  layerError,
  type PlanarTensor,
} from './layer-call'

type Attributes = Readonly<Record<string, OnnxAttribute>>

/** Keras' names, in Python's and in TF.js' spelling, with the operator that is the same. */
const OPERATORS: Readonly<Record<string, readonly [operation: string, attributes?: Attributes]>> = {
  relu: ['Relu'],
  sigmoid: ['Sigmoid'],
  tanh: ['Tanh'],
  softplus: ['Softplus'],
  softsign: ['Softsign'],
  elu: ['Elu', { alpha: { float: 1 } }],
  selu: ['Selu'],
  softmax: ['Softmax', { axis: { int: 1 } }],
  logsoftmax: ['LogSoftmax', { axis: { int: 1 } }],
  exponential: ['Exp'],
  hardsigmoid: ['HardSigmoid', { alpha: { float: 0.2 }, beta: { float: 0.5 } }],
}

/** Emits the operation that ends a layer, and the layer's `activation` behind it. */
export function emitActivated(
  call: LayerCall,
  operation: string,
  inputs: readonly string[],
  attributes: Attributes,
  shape: Pick<PlanarTensor, 'axes' | 'channels'>,
): PlanarTensor {
  const { graph, layer, output } = call
  const name = String(layer.config.activation ?? 'linear')
  if (name === 'linear') graph.operator(operation, inputs, attributes, output)
  else emitFunction(call, name, graph.operator(operation, inputs, attributes))
  return { name: output, ...shape }
}

function emitFunction(call: LayerCall, name: string, input: string): void {
  const { graph, output } = call
  const key = name.replaceAll('_', '').toLowerCase()
  const known = OPERATORS[key]
  if (known) graph.operator(known[0], [input], known[1], output)
  else if (key === 'relu6')
    graph.operator('Clip', [input, graph.floats([0], []), graph.floats([6], [])], {}, output)
  else if (key === 'swish' || key === 'silu')
    graph.operator('Mul', [input, graph.operator('Sigmoid', [input])], {}, output)
  else if (key === 'mish')
    graph.operator('Mul', [input, graph.operator('Tanh', [graph.operator('Softplus', [input])])], {}, output)
  else if (key === 'gelu') {
    const scaled = graph.operator('Mul', [input, graph.floats([Math.SQRT1_2], [])])
    const doubled = graph.operator('Add', [graph.operator('Erf', [scaled]), graph.floats([1], [])])
    const halved = graph.operator('Mul', [doubled, graph.floats([0.5], [])])
    graph.operator('Mul', [input, halved], {}, output)
  } else if (key === 'linear') graph.operator('Identity', [input], {}, output)
  else
    throw layerError(
      call,
      `activation ${name}`,
      `linear, relu6, swish, mish, gelu or one of ${Object.keys(OPERATORS).join(', ')}`,
    )
}

const emitNamed: EmitLayer = (call) => {
  const input = inputOf(call)
  emitFunction(call, String(call.layer.config.activation), input.name)
  return { ...input, name: call.output }
}

const emitRelu: EmitLayer = (call) => {
  const { graph, layer, output } = call
  const { max_value: most, negative_slope: slope, threshold } = layer.config
  const input = inputOf(call)
  if (slope || threshold) throw layerError(call, `negative_slope ${slope}, threshold ${threshold}`, 'neither')
  if (typeof most === 'number') {
    graph.operator('Clip', [input.name, graph.floats([0], []), graph.floats([most], [])], {}, output)
  } else graph.operator('Relu', [input.name], {}, output)
  return { ...input, name: output }
}

const emitSlope =
  (operation: string, usual: number, key = 'alpha'): EmitLayer =>
  (call) => {
    const input = inputOf(call)
    const alpha = Number(call.layer.config[key] ?? usual)
    call.graph.operator(operation, [input.name], { alpha: { float: alpha } }, call.output)
    return { ...input, name: call.output }
  }

const emitPrelu: EmitLayer = (call) => {
  const input = inputOf(call)
  const planar = channelsFirst(call.weights('alpha'))
  call.graph.operator('PRelu', [input.name, constantOf(call, 'alpha', planar)], {}, call.output)
  return { ...input, name: call.output }
}

const emitSoftmax: EmitLayer = (call) => {
  const input = inputOf(call)
  const { axis = -1 } = call.layer.config
  if (axis !== -1 && axis !== input.axes - 1) throw layerError(call, `axis ${axis}`, 'the last, channels')
  call.graph.operator('Softmax', [input.name], { axis: { int: 1 } }, call.output)
  return { ...input, name: call.output }
}

/** Layers by Keras' class names. */
export const ACTIVATION_LAYERS: Readonly<Record<string, EmitLayer>> = {
  Activation: emitNamed,
  ReLU: emitRelu,
  LeakyReLU: emitSlope('LeakyRelu', 0.3),
  ELU: emitSlope('Elu', 1),
  ThresholdedReLU: emitSlope('ThresholdedRelu', 1, 'theta'),
  PReLU: emitPrelu,
  Softmax: emitSoftmax,
}
