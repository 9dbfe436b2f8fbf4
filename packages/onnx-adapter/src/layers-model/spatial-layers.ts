// Layers that move, join, pool or scale values.
import { POOLS, poolAttributes } from '../convolution-window'
import { emitActivated } from './activation-layers'
import { windowOf } from './convolution-layers'
import {
  constantOf,
  dimensionsOf,
  type EmitLayer,
  inputOf,
  type LayerCall,
  layerError,
  perAxis,
} from './layer-call'

const emitIdentity: EmitLayer = (call) => {
  call.graph.operator('Identity', [inputOf(call).name], {}, call.output)
  return { ...inputOf(call), name: call.output }
}

/** A node that reads all inputs, or a chain of nodes that read two each. */
const emitMerge =
  (operation: string, chain = false): EmitLayer =>
  (call) => {
    const { graph, inputs, output } = call
    const axes = inputs[0]!.axes
    if (inputs.some((input) => input.axes !== axes)) {
      throw layerError(
        call,
        `inputs of ${inputs.map((input) => input.axes).join(' and ')} axes`,
        'equally many',
      )
    }
    const names = inputs.map(({ name }) => name)
    if (chain) {
      const first = names
        .slice(1, -1)
        .reduce((product, name) => graph.operator(operation, [product, name]), names[0]!)
      graph.operator(operation, [first, names.at(-1)!], {}, output)
    } else graph.operator(operation, names, {}, output)
    return { name: output, axes, channels: Math.max(...inputs.map(({ channels }) => channels)) }
  }

const emitConcatenate: EmitLayer = (call) => {
  const { graph, inputs, output, layer } = call
  const { axis = -1 } = layer.config
  const { axes } = inputs[0]!
  if (axis !== -1 && axis !== axes - 1) throw layerError(call, `axis ${axis}`, 'the last, channels')
  graph.operator(
    'Concat',
    inputs.map(({ name }) => name),
    { axis: { int: 1 } },
    output,
  )
  return { name: output, axes, channels: inputs.reduce((sum, { channels }) => sum + channels, 0) }
}

const emitPool =
  (operation: string): EmitLayer =>
  (call) => {
    const size = perAxis(call, 'pool_size', Array<number>(dimensionsOf(call)).fill(2))
    const window = windowOf(call, size, perAxis(call, 'strides', size))
    const attributes = poolAttributes(window)
    if (!attributes) throw layerError(call, `windows of ${size} at strides of ${window.stride}`, POOLS)
    const { name, ...shape } = inputOf(call)
    call.graph.operator(operation, [name], attributes, call.output)
    return { name: call.output, ...shape }
  }

const emitGlobalPool =
  (operation: string): EmitLayer =>
  (call) => {
    const { graph, output, layer } = call
    const { name, axes, channels } = inputOf(call)
    const keepsAxes = layer.config.keepdims === true
    const pooled = graph.operator(operation, [name], {}, keepsAxes ? output : undefined)
    if (!keepsAxes) graph.operator('Flatten', [pooled], { axis: { int: 1 } }, output)
    return { name: output, axes: keepsAxes ? axes : 2, channels }
  }

const emitUpsampling: EmitLayer = (call) => {
  const { graph, layer, output } = call
  const factors = perAxis(call, 'size', Array<number>(dimensionsOf(call)).fill(2))
  const scales = graph.floats([1, 1, ...factors], [factors.length + 2])
  const kind = String(layer.config.interpolation ?? 'nearest')
  if (kind !== 'nearest' && kind !== 'bilinear')
    throw layerError(call, `interpolation ${kind}`, 'nearest or bilinear')
  // As TF.js computes it: output voxel i reads position i / factor, without half-pixel centres.
  const attributes = {
    mode: { string: kind === 'nearest' ? 'nearest' : 'linear' },
    coordinate_transformation_mode: { string: 'asymmetric' },
    ...(kind === 'nearest' ? { nearest_mode: { string: 'floor' } } : {}),
  }
  graph.operator('Resize', [inputOf(call).name, '', scales], attributes, output)
  return { ...inputOf(call), name: output }
}

/** Numbers before and after each spatial axis: `n`, `[n, m]` or `[[before, after], …]`. */
function borders(call: LayerCall, key: string): { readonly before: number[]; readonly after: number[] } {
  const value = call.layer.config[key]
  const axes = Array.from({ length: dimensionsOf(call) }, (_, axis) =>
    [Array.isArray(value) ? value[axis] : (value ?? 1)].flat(),
  ) as number[][]
  return { before: axes.map((axis) => axis[0]!), after: axes.map((axis) => axis.at(-1)!) }
}

const emitZeroPadding: EmitLayer = (call) => {
  const { before, after } = borders(call, 'padding')
  const pads = call.graph.integers([0, 0, ...before, 0, 0, ...after])
  call.graph.operator('Pad', [inputOf(call).name, pads], {}, call.output)
  return { ...inputOf(call), name: call.output }
}

const emitCropping: EmitLayer = (call) => {
  const { graph, output } = call
  const { before, after } = borders(call, 'cropping')
  // ONNX's way to say "to the end" of an axis.
  const ends = after.map((length) => (length === 0 ? 2 ** 31 - 1 : -length))
  const axes = graph.integers(before.map((_, axis) => axis + 2))
  graph.operator(
    'Slice',
    [inputOf(call).name, graph.integers(before), graph.integers(ends), axes],
    {},
    output,
  )
  return { ...inputOf(call), name: output }
}

const emitBatchNormalization: EmitLayer = (call) => {
  const { layer } = call
  const { axis = -1, epsilon = 1e-3, scale = true, center = true } = layer.config
  const { name, ...shape } = inputOf(call)
  const last = [axis].flat()[0]
  if (last !== -1 && last !== shape.axes - 1) throw layerError(call, `axis ${axis}`, 'the last, channels')
  const constant = (value: number) => ({
    shape: [shape.channels],
    data: new Float32Array(shape.channels).fill(value),
  })
  const inputs = [
    constantOf(call, 'gamma', scale ? call.weights('gamma') : constant(1)),
    constantOf(call, 'beta', center ? call.weights('beta') : constant(0)),
    constantOf(call, 'moving_mean', call.weights('moving_mean')),
    constantOf(call, 'moving_variance', call.weights('moving_variance')),
  ]
  return emitActivated(
    call,
    'BatchNormalization',
    [name, ...inputs],
    { epsilon: { float: Number(epsilon) } },
    shape,
  )
}

/** Means and variances over the channels of each voxel. */
const emitLayerNormalization: EmitLayer = (call) => {
  const { graph, layer, output } = call
  const { axis = -1, epsilon = 1e-3, scale = true, center = true } = layer.config
  const { name, axes, channels } = inputOf(call)
  const over = [axis].flat()
  if (over.length !== 1 || (over[0] !== -1 && over[0] !== axes - 1))
    throw layerError(call, `axis ${over}`, 'the last, channels')
  const mean = (input: string): string => graph.reduce('ReduceMean', input, 1, true)
  const constant = (part: string, otherwise: number): string => {
    const data = otherwise === 1 ? scale : center
    const weight = data ? call.weights(part).data : new Float32Array(channels).fill(otherwise)
    const shape = [channels, ...Array<number>(axes - 2).fill(1)]
    return constantOf(call, part, { shape, data: weight })
  }
  const centred = graph.operator('Sub', [name, mean(name)])
  const variance = mean(graph.operator('Mul', [centred, centred]))
  const deviation = graph.operator('Sqrt', [
    graph.operator('Add', [variance, graph.floats([Number(epsilon)], [])]),
  ])
  const scaled = graph.operator('Mul', [graph.operator('Div', [centred, deviation]), constant('gamma', 1)])
  graph.operator('Add', [scaled, constant('beta', 0)], {}, output)
  return { name: output, axes, channels }
}

const emitRescaling: EmitLayer = (call) => {
  const { graph, layer, output } = call
  const input = inputOf(call)
  // Keras takes a number or one for each channel.
  const constant = (key: string): string => {
    const values = [layer.config[key] ?? 0].flat() as number[]
    const ones = Array<number>(input.axes - 2).fill(1)
    return values.length === 1 ? graph.floats(values, []) : graph.floats(values, [values.length, ...ones])
  }
  const scaled = graph.operator('Mul', [input.name, constant('scale')])
  graph.operator('Add', [scaled, constant('offset')], {}, output)
  return { ...input, name: output }
}

/** Between vectors, rows and images, as long as channels stay what they are: what squeeze-and-excitation and rows of classes need. */
const emitReshape: EmitLayer = (call) => {
  const { graph, output } = call
  const target = (call.layer.config.target_shape as (number | null)[]).map((length) => length ?? -1)
  const { name, axes, channels } = inputOf(call)
  const spatial = target.slice(0, -1)
  const ofVector = axes === 2 && spatial.every((length) => length === 1)
  const keepsChannels = target.at(-1) === channels || (target.at(-1) === -1 && ofVector)
  if (!keepsChannels) {
    throw layerError(call, `target shape [${target}] from ${channels} channels`, `[…, ${channels}]`)
  }
  graph.operator('Reshape', [name, graph.integers([0, channels, ...spatial])], {}, output)
  return { name: output, axes: target.length + 1, channels }
}

/** Layers by Keras' class names. */
export const SPATIAL_LAYERS: Readonly<Record<string, EmitLayer>> = {
  BatchNormalization: emitBatchNormalization,
  StochsegRepairedBatchNormalization: emitBatchNormalization,
  LayerNormalization: emitLayerNormalization,
  Rescaling: emitRescaling,
  Add: emitMerge('Sum'),
  Multiply: emitMerge('Mul', true),
  Subtract: emitMerge('Sub', true),
  Average: emitMerge('Mean'),
  Maximum: emitMerge('Max'),
  Minimum: emitMerge('Min'),
  Concatenate: emitConcatenate,
  MaxPooling2D: emitPool('MaxPool'),
  MaxPooling3D: emitPool('MaxPool'),
  AveragePooling2D: emitPool('AveragePool'),
  AveragePooling3D: emitPool('AveragePool'),
  GlobalAveragePooling2D: emitGlobalPool('GlobalAveragePool'),
  GlobalAveragePooling3D: emitGlobalPool('GlobalAveragePool'),
  GlobalMaxPooling2D: emitGlobalPool('GlobalMaxPool'),
  GlobalMaxPooling3D: emitGlobalPool('GlobalMaxPool'),
  UpSampling2D: emitUpsampling,
  UpSampling3D: emitUpsampling,
  ZeroPadding2D: emitZeroPadding,
  ZeroPadding3D: emitZeroPadding,
  Cropping2D: emitCropping,
  Cropping3D: emitCropping,
  Reshape: emitReshape,
  Dropout: emitIdentity,
  SpatialDropout2D: emitIdentity,
  SpatialDropout3D: emitIdentity,
  AlphaDropout: emitIdentity,
  GaussianDropout: emitIdentity,
  GaussianNoise: emitIdentity,
}
