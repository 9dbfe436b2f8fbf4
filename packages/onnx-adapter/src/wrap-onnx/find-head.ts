// Where somebody else's network ends: its logits, and the features that its last convolution reads.
import { ModelError } from '@stochseg/core'
import type { GraphNode, OnnxGraph } from '../protobuf/read-graph'

/** Tensors of the network that heads are put on. */
export interface FoundHead {
  /** What the network's last convolution reads. */
  readonly features: string
  /** The class scores before softmax or sigmoid. */
  readonly logits: string
}

/** What may be named instead of being looked for. */
export interface NamedTensors {
  /** The output to start from, where there are several. */
  readonly output?: string | undefined
  readonly features?: string | undefined
  readonly logits?: string | undefined
}

/** What comes between scores and results without changing which tensor holds the scores. */
const AFTER_LOGITS = new Set(
  'Softmax LogSoftmax Sigmoid ArgMax Identity Cast Transpose Squeeze Unsqueeze Dropout'.split(' '),
)

/** What comes between the last convolution and the scores. */
const BEFORE_LOGITS = new Set(
  'Resize Upsample Identity Cast Dropout BatchNormalization Pad DepthToSpace'.split(' '),
)

/** Arithmetic that is such when its other operand is a constant. */
const ARITHMETIC = new Set('Add Sub Mul Div'.split(' '))

const CONVOLUTIONS = new Set('Conv ConvTranspose'.split(' '))

/**
 * Follows the graph back from its output: over softmax, sigmoid, argmax and transposes to the logits, from there over
 * resizing to the last convolution.
 *
 * Throws {@link ModelError} for several outputs of which none is named, a name that no tensor has, a quantised network, and
 * an end that it does not recognise (it says which node).
 */
export function findHead(graph: OnnxGraph, named: NamedTensors): FoundHead {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  for (const name of [named.features, named.logits]) {
    if (name !== undefined && !producers.has(name)) throw noTensor(name, producers)
  }
  const constants = constantNames(graph)
  const logits = named.logits ?? walk(outputOf(graph, named.output), producers, constants, isAfterLogits)
  if (named.features !== undefined && named.logits !== undefined) {
    return { features: named.features, logits: named.logits }
  }
  // Looked for even where features are named: it tells scores from something made of probabilities.
  const convolved = walk(logits, producers, constants, isBeforeLogits)
  const convolution = producers.get(convolved)
  if (!convolution || !CONVOLUTIONS.has(convolution.operation)) {
    throw unrecognised(convolution, logits)
  }
  return { features: named.features ?? convolution.inputs[0]!, logits }
}

/** PyTorch writes small constants as nodes. */
function constantNames({ constants, nodes }: OnnxGraph): Set<string> {
  const written = nodes.filter(({ operation }) => operation === 'Constant').flatMap(({ outputs }) => outputs)
  return new Set([...constants.keys(), ...written])
}

type Passable = (node: GraphNode, constants: ReadonlySet<string>) => boolean

const isAfterLogits: Passable = ({ operation }) => AFTER_LOGITS.has(operation)

const isBeforeLogits: Passable = ({ operation, inputs }, constants) =>
  BEFORE_LOGITS.has(operation) || (ARITHMETIC.has(operation) && inputs.some((name) => constants.has(name)))

/** The first tensor on the way back from `tensor` whose producer is not passable. */
function walk(
  tensor: string,
  producers: ReadonlyMap<string, GraphNode>,
  constants: ReadonlySet<string>,
  passable: Passable,
): string {
  let current = tensor
  for (let node = producers.get(current); node && passable(node, constants); node = producers.get(current)) {
    current = node.inputs.find((name) => !constants.has(name)) ?? node.inputs[0]!
  }
  return current
}

function outputOf({ outputs }: OnnxGraph, name: string | undefined): string {
  const names = outputs.map((output) => output.name)
  if (name === undefined && names.length === 1) return names[0]!
  if (name !== undefined && names.includes(name)) return name
  throw new ModelError('ONNX network', {
    found: name === undefined ? `outputs ${names.join(', ')}` : `no output '${name}'`,
    expected:
      name === undefined ? 'one output, or the name of the one to wrap' : `one of ${names.join(', ')}`,
    remedy: 'Name the output that holds the segmentation',
  })
}

function noTensor(name: string, producers: ReadonlyMap<string, unknown>): ModelError {
  const similar = [...producers.keys()].filter((other) => other.includes(name) || name.includes(other))
  const some = similar.length > 0 ? similar : [...producers.keys()].slice(-5)
  return new ModelError('ONNX network', {
    found: `no tensor '${name}'`,
    expected: `a tensor that a node writes, e.g. ${some.slice(0, 5).join(', ')}`,
    remedy: 'Give the name as a graph viewer (netron.app) shows it',
  })
}

function unrecognised(node: GraphNode | undefined, logits: string): ModelError {
  const found = node ? `${node.operation} '${node.name}'` : `'${logits}', which no node writes`
  const quantised = node && /quantize|qlinear|integer/i.test(node.operation)
  return new ModelError('end of the ONNX network', {
    found: quantised ? `${found}: the network is quantised` : found,
    expected: 'a convolution, then perhaps resizing, softmax or sigmoid, argmax, transposes',
    remedy: quantised
      ? 'Wrap the network before it is quantised'
      : 'Name the tensors of the features and of the logits',
  })
}
