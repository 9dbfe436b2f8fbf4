// Operations that move, join, select or reduce values along axes.
import type { OnnxAttribute } from '../protobuf/onnx-model'
import { integers, text } from './graph-model-artefacts'
import {
  axisOf,
  type EmitOperation,
  emitPlain,
  type GraphTensor,
  type OperationCall,
  operationError,
  plain,
} from './graph-tensor'
import { maskBits } from './lengths'

function constants(call: OperationCall, input: number): number[] {
  return [...call.constant(input).data]
}

function flag({ node }: OperationCall, name: string): boolean {
  return node.attributes.get(name)?.b === true
}

const resize =
  (mode: 'linear' | 'nearest'): EmitOperation =>
  (call) => {
    const { graph, node } = call
    const coordinates = flag(call, 'align_corners')
      ? 'align_corners'
      : flag(call, 'half_pixel_centers')
        ? 'half_pixel'
        : 'asymmetric'
    const { name: image, axes } = call.tensor(0)
    const kept = graph.operator('Slice', [
      graph.operator('Shape', [image]),
      graph.integers([0]),
      graph.integers([2]),
    ])
    const sizes = graph.operator('Concat', [kept, call.lengths(1).name], { axis: { int: 0 } })
    const attributes = {
      mode: { string: mode },
      coordinate_transformation_mode: { string: coordinates },
      ...(mode === 'nearest'
        ? { nearest_mode: { string: coordinates === 'asymmetric' ? 'floor' : 'round_prefer_ceil' } }
        : {}),
    }
    return { name: graph.operator('Resize', [image, '', '', sizes], attributes, node.name), axes }
  }

/** A reduction over some axes. */
const reduce =
  (operation: 'ReduceMean' | 'ReduceMax' | 'ReduceMin' | 'ReduceSum'): EmitOperation =>
  (call) => {
    const { graph, node } = call
    const x = call.tensor(0)
    const over = constants(call, 1).map((axis) => (axis < 0 ? axis + x.axes : axis))
    const keeps = flag(call, 'keep_dims')
    // Sums alone take their axes as an input in this operator set.
    const inSecond = operation === 'ReduceSum'
    const inputs = (axes: readonly number[]): string[] => (inSecond ? [graph.integers(axes)] : [])
    const attributes = (axes: readonly number[]): Record<string, OnnxAttribute> => ({
      keepdims: { int: keeps ? 1 : 0 },
      ...(inSecond ? {} : { axes: { ints: axes } }),
    })
    const spatial = Array.from({ length: x.axes - 2 }, (_, axis) => axis + 1)
    const isGlobal = String([...over].sort()) === String(spatial)
    if (keeps || isGlobal) {
      // Without its spatial axes a planar tensor has TensorFlow's order.
      const mapped = over.map((axis) => axisOf(call, x, axis))
      const name = graph.operator(operation, [x.name, ...inputs(mapped)], attributes(mapped), node.name)
      return { name, axes: keeps ? x.axes : 2 }
    }
    const rows = [plain(call, x), ...inputs(over)]
    return emitPlain(call, operation, rows, attributes(over), x.axes - over.length)
  }

const labels: EmitOperation = (call) => {
  const { graph } = call
  const x = call.tensor(0)
  const [axis] = constants(call, 1)
  // Without its channels a planar tensor has TensorFlow's order.
  const ofChannels = axis === -1 || axis === x.axes - 1
  const input = ofChannels ? x.name : plain(call, x)
  const attributes = {
    axis: { int: ofChannels ? axisOf(call, x, axis) : axis! },
    keepdims: { int: 0 },
  }
  const indices = graph.operator('ArgMax', [input], attributes)
  return emitPlain(call, 'Cast', [indices], { to: { int: 1 } }, x.axes - 1)
}

const concatenation: EmitOperation = (call) => {
  const { graph, node, isConstant, tensor } = call
  const last = node.inputs.length - 1
  const inputs = node.inputs.slice(0, -1).map((_, index) => index)
  const { axes } = tensor(inputs.find((index) => !isConstant(index)) ?? 0)
  const axis = axisOf(call, { name: '', axes }, constants(call, last)[0]!)
  const names = inputs.map((index) => tensor(index, axes).name)
  return { name: graph.operator('Concat', names, { axis: { int: axis } }, node.name), axes }
}

const padding: EmitOperation = (call) => {
  const { graph, node } = call
  const x = call.tensor(0)
  const data = constants(call, 1)
  const sides = [0, 1].flatMap((side) => {
    const at = Array<number>(x.axes).fill(0)
    for (let axis = 0; axis < x.axes; axis++) at[axisOf(call, x, axis)] = data[2 * axis + side]!
    return at
  })
  const mirrored = node.operation === 'MirrorPad'
  if (mirrored && text(node, 'mode') !== 'REFLECT')
    throw operationError(call, `mode ${text(node, 'mode')}`, 'REFLECT')
  const value = node.operation === 'PadV2' ? [graph.floats(constants(call, 2), [])] : []
  const attributes: Record<string, OnnxAttribute> = mirrored ? { mode: { string: 'reflect' } } : {}
  const inputs = [x.name, graph.integers(sides), ...value]
  return { name: graph.operator('Pad', inputs, attributes, node.name), axes: x.axes }
}

const reshape: EmitOperation = (call) => {
  const target = call.lengths(1)
  return emitPlain(call, 'Reshape', [plain(call, call.tensor(0)), target.name], {}, target.count)
}

const squeeze: EmitOperation = (call) => {
  const x = call.tensor(0)
  const over = integers(call.node, 'squeeze_dims')
  if (over.length === 0) throw operationError(call, 'no axes', 'the axes to leave out')
  const inputs = [plain(call, x), call.graph.integers(over)]
  return emitPlain(call, 'Squeeze', inputs, {}, x.axes - over.length)
}

const expand: EmitOperation = (call) => {
  const x = call.tensor(0)
  const inputs = [plain(call, x), call.graph.integers(constants(call, 1))]
  return emitPlain(call, 'Unsqueeze', inputs, {}, x.axes + 1)
}

const transposition: EmitOperation = (call) => {
  const x = call.tensor(0)
  return emitPlain(call, 'Transpose', [plain(call, x)], { perm: { ints: constants(call, 1) } }, x.axes)
}

/** Repetition: by numbers of times, or to a shape. */
const repetition =
  (operation: 'Tile' | 'Expand'): EmitOperation =>
  (call) => {
    const times = call.lengths(1)
    return emitPlain(call, operation, [plain(call, call.tensor(0)), times.name], {}, times.count)
  }

/** ONNX's way to say "to the end". */
const END = 2 ** 31 - 1

function emitSlice(
  call: OperationCall,
  x: GraphTensor,
  starts: readonly number[],
  ends: readonly number[],
  steps: readonly number[],
  output?: string,
): string {
  const { graph } = call
  const axes = starts.map((_, axis) => axisOf(call, x, axis))
  const lists = [starts, ends, axes, steps].map((list) => graph.integers(list))
  return graph.operator('Slice', [x.name, ...lists], {}, output)
}

const slice: EmitOperation = (call) => {
  const x = call.tensor(0)
  const [starts, sizes] = [constants(call, 1), constants(call, 2)]
  const ends = sizes.map((size, axis) => (size < 0 ? END : starts[axis]! + size))
  const steps = sizes.map(() => 1)
  return { name: emitSlice(call, x, starts, ends, steps, call.node.name), axes: x.axes }
}

const stridedSlice: EmitOperation = (call) => {
  const { graph, node } = call
  const x = call.tensor(0)
  const [begin, end, steps] = [constants(call, 1), constants(call, 2), constants(call, 3)]
  const bits = (mask: string): boolean[] => maskBits(node, mask, begin.length)
  const shrinks = bits('shrink_axis_mask')
  if ([...bits('ellipsis_mask'), ...bits('new_axis_mask'), ...steps.map((step) => step < 1)].includes(true)) {
    throw operationError(
      call,
      'an ellipsis, a new axis or a step back',
      'a beginning, an end and a step for each axis',
    )
  }
  const starts = begin.map((start, axis) => (bits('begin_mask')[axis] ? 0 : start))
  const ends = end.map((last, axis) => {
    if (shrinks[axis]) return starts[axis] === -1 ? END : starts[axis]! + 1
    return bits('end_mask')[axis] ? END : last
  })
  const single = shrinks.flatMap((shrink, axis) => (shrink ? [axis] : []))
  if (single.length === 0) return { name: emitSlice(call, x, starts, ends, steps, node.name), axes: x.axes }
  const given = { name: emitSlice(call, x, starts, ends, steps), axes: x.axes }
  return emitPlain(call, 'Squeeze', [plain(call, given), graph.integers(single)], {}, x.axes - single.length)
}

const depthToSpace: EmitOperation = ({ graph, node, tensor }) => {
  const { name, axes } = tensor(0)
  const blocksize = { int: Number(node.attributes.get('block_size')?.i) }
  return { name: graph.operator('DepthToSpace', [name], { blocksize }, node.name), axes }
}

/** Operations by TensorFlow's names. */
export const LAYOUT_OPERATIONS: Readonly<Record<string, EmitOperation>> = {
  ArgMax: labels,
  BroadcastTo: repetition('Expand'),
  ConcatV2: concatenation,
  DepthToSpace: depthToSpace,
  ExpandDims: expand,
  Max: reduce('ReduceMax'),
  Mean: reduce('ReduceMean'),
  Min: reduce('ReduceMin'),
  MirrorPad: padding,
  Pad: padding,
  PadV2: padding,
  Reshape: reshape,
  ResizeBilinear: resize('linear'),
  ResizeNearestNeighbor: resize('nearest'),
  Slice: slice,
  Squeeze: squeeze,
  StridedSlice: stridedSlice,
  Sum: reduce('ReduceSum'),
  Tile: repetition('Tile'),
  Transpose: transposition,
}
