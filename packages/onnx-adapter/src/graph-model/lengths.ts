// Whole numbers that a graph computes from the shapes of its tensors, to resize or reshape others to: as ONNX computes them.
import type { GraphBuilder } from '../graph-builder'
import type { StoredWeight } from '../tfjs-weights'
import type { GraphModelNode } from './graph-model-artefacts'
import { type GraphTensor, operationError } from './graph-tensor'

/** Whole numbers in a row, in TensorFlow's order of axes; a single one is a row of one. */
export interface Lengths {
  readonly name: string
  readonly count: number
  /** What they are, where they are constants. */
  readonly values?: readonly number[]
}

/** Where the numbers of a graph come from. */
export interface LengthSource {
  readonly graph: GraphBuilder
  /** Axes of the images. */
  readonly axes: number
  readonly node: (name: string) => GraphModelNode
  readonly constant: (name: string) => StoredWeight | undefined
  readonly tensor: (name: string) => GraphTensor
  /** What has been emitted. */
  readonly known: Map<string, Lengths>
}

const ARITHMETIC: Readonly<Record<string, string>> = {
  Add: 'Add',
  AddV2: 'Add',
  Sub: 'Sub',
  Mul: 'Mul',
  FloorDiv: 'Div',
  Maximum: 'Max',
  Minimum: 'Min',
}
/** They change nothing but the type, or the number of axes of a single number. */
const THE_SAME = new Set(['Identity', 'Cast', 'ExpandDims', 'Squeeze', 'Reshape'])
/** ONNX's way to say "to the end". */
const END = 2 ** 31 - 1

/** Emits the numbers that a node computes. Throws `ModelError` naming an operation that is none of whole numbers. */
export function emitLengths(name: string, source: LengthSource): Lengths {
  const known = source.known.get(name)
  if (known) return known
  const lengths = emit(name, source)
  source.known.set(name, lengths)
  return lengths
}

function emit(name: string, source: LengthSource): Lengths {
  const { graph } = source
  const node = source.node(name)
  const of = (input: number): Lengths => emitLengths(node.inputs[input]!, source)
  const all = (count: number): Lengths[] => node.inputs.slice(0, count).map((_, index) => of(index))
  const constant = source.constant(name)
  if (constant) {
    const values = [...constant.data]
    if (values.every(Number.isInteger)) return { name: graph.integers(values), count: values.length, values }
    throw operationError({ node }, `values ${values.slice(0, 3)}`, 'whole numbers')
  }
  const arithmetic = ARITHMETIC[node.operation]
  if (arithmetic) {
    const [a, b] = all(2) as [Lengths, Lengths]
    return { name: graph.operator(arithmetic, [a.name, b.name]), count: Math.max(a.count, b.count) }
  }
  if (THE_SAME.has(node.operation)) return of(0)
  switch (node.operation) {
    case 'Shape':
      return shapeOf(source.tensor(node.inputs[0]!), source)
    case 'Pack':
      return joined(graph, all(node.inputs.length))
    case 'ConcatV2':
      return joined(graph, all(node.inputs.length - 1))
    case 'Prod':
      return { name: graph.operator('ReduceProd', [of(0).name], { axes: { ints: [0] } }), count: 1 }
    case 'GatherV2': {
      const indices = of(1)
      return { name: graph.operator('Gather', [of(0).name, indices.name]), count: indices.count }
    }
    case 'StridedSlice':
      return slice(node, source)
    default:
      throw operationError(
        { node },
        `sizes computed by ${node.operation}`,
        `constants, or sizes computed by Shape, StridedSlice, Pack, ConcatV2, GatherV2, Prod, ${[...THE_SAME, ...Object.keys(ARITHMETIC)].join(', ')}`,
      )
  }
}

function shapeOf({ name, axes }: GraphTensor, { graph, axes: imageAxes }: LengthSource): Lengths {
  const shape = graph.operator('Shape', [name])
  if (axes !== imageAxes) return { name: shape, count: axes }
  const order = [0, ...Array.from({ length: axes - 2 }, (_, axis) => axis + 2), 1]
  return { name: graph.operator('Gather', [shape, graph.integers(order)]), count: axes }
}

function joined(graph: GraphBuilder, parts: readonly Lengths[]): Lengths {
  const name = graph.operator(
    'Concat',
    parts.map((part) => part.name),
    { axis: { int: 0 } },
  )
  return { name, count: parts.reduce((sum, { count }) => sum + count, 0) }
}

function slice(node: GraphModelNode, source: LengthSource): Lengths {
  const { graph } = source
  const whole = emitLengths(node.inputs[0]!, source)
  const [start, end, step] = [1, 2, 3].map((input) => source.constant(node.inputs[input]!)?.data[0])
  if (start === undefined || end === undefined || (step !== undefined && step !== 1)) {
    throw operationError({ node }, 'a slice that depends on the image', 'constants and a step of 1')
  }
  const first = maskBits(node, 'begin_mask', 1)[0] ? 0 : start
  const single = maskBits(node, 'shrink_axis_mask', 1)[0]
  const last = maskBits(node, 'end_mask', 1)[0] ? END : end
  const stop = !single ? last : first === -1 ? END : first + 1
  const position = (index: number): number => Math.min(index < 0 ? index + whole.count : index, whole.count)
  return {
    name: graph.operator('Slice', [whole.name, graph.integers([first]), graph.integers([stop])]),
    count: position(stop) - position(first),
  }
}

/** An attribute that has one bit for each axis. */
export function maskBits(node: GraphModelNode, mask: string, axes: number): boolean[] {
  const bits = Number(node.attributes.get(mask)?.i ?? 0)
  return Array.from({ length: axes }, (_, axis) => Math.floor(bits / 2 ** axis) % 2 === 1)
}
