// The image that somebody else's network reads: how its axes lie, and which of them are free.
import { ModelError, ValueError } from '@stochseg/core'
import type { OnnxInitializer, OnnxNode } from '../protobuf/onnx-model'
import type { GraphValue, OnnxGraph } from '../protobuf/read-graph'

/** Order of a network's axes: `[N, C, *S]` or `[N, *S, C]`. */
export type Layout = 'planar' | 'channels-last'

/**
 * What the network's author fed it, made from what the wrapped network is fed: intensity · scale + shift, one number each for
 * all channels or one for each channel.
 */
export interface Intensities {
  readonly scale?: readonly number[] | undefined
  readonly shift?: readonly number[] | undefined
}

/** A network's image input. */
export interface ImageInput {
  /** Its name in the wrapped file, where it is planar and float32. */
  readonly name: string
  readonly channels: number
  readonly dimensions: 2 | 3
  /** Lengths that the file says; undefined where an axis is free. */
  readonly batch: number | undefined
  readonly spatial: readonly (number | undefined)[]
  /** Nodes that make from it what the network reads. */
  readonly nodes: readonly OnnxNode[]
  readonly constants: readonly OnnxInitializer[]
}

/** More channels than this are taken for a length of the image. */
const MOST_CHANNELS = 16

const FLOAT32 = 1
const FLOAT16 = 10

/**
 * The image input of a network; channels-last where its last axis is short and its second is not, unless told.
 *
 * Throws {@link ModelError} for several inputs, other types than float32 and float16, other numbers of axes than 4 and 5, and
 * a number of channels that the file does not say; {@link ValueError} for intensities that do not fit the channels.
 */
export function imageInput(
  { inputs }: OnnxGraph,
  given?: Layout,
  { scale, shift }: Intensities = {},
): ImageInput {
  const [input, ...others] = inputs
  if (!input || others.length > 0) {
    throw inputError(
      input ? `inputs ${inputs.map(({ name }) => name).join(', ')}` : 'no input',
      'one input, the image',
      'Make the others constants of the network before it is exported',
    )
  }
  const { name, type, shape } = input
  if (type !== FLOAT32 && type !== FLOAT16) {
    throw inputError(`'${name}' of ONNX type ${type}`, 'float32 or float16', 'Export it with a float input')
  }
  if (!shape || (shape.length !== 4 && shape.length !== 5)) {
    throw inputError(
      shape ? `'${name}' of ${shape.length} axes` : `'${name}' of unknown shape`,
      '4 axes (images) or 5 (volumes)',
      'Export it with its shape',
    )
  }
  const layout = given ?? layoutOf(shape)
  const channelAxis = layout === 'planar' ? 1 : shape.length - 1
  const channels = shape[channelAxis]!
  if (typeof channels !== 'number' || channels < 1) {
    throw inputError(
      `'${name}' with axes [${shape}]`,
      `a number of channels at axis ${channelAxis}`,
      'Export it with a fixed number of channels, or say which layout it has',
    )
  }
  const constant = (part: string, values: readonly number[] | undefined): OnnxInitializer[] => {
    if (values === undefined) return []
    checkIntensities(part, values, channels)
    const ones = Array<number>(shape.length - 2).fill(1)
    const data = Float32Array.from(values)
    return [{ name: `planar.${name}.${part}`, shape: [1, values.length, ...ones], data }]
  }
  const length = (axis: number): number | undefined => {
    const size = shape[axis]
    return typeof size === 'number' && size > 0 ? size : undefined
  }
  const dimensions = (shape.length - 2) as 2 | 3
  const first = layout === 'planar' ? 2 : 1
  const constants = [constant('scale', scale), constant('shift', shift)].flat()
  const nodes = nodesFor(input, layout, dimensions, constants)
  return {
    ...{ name: nodes[0]?.inputs[0] ?? name, channels, dimensions, batch: length(0), nodes, constants },
    spatial: Array.from({ length: dimensions }, (_, axis) => length(first + axis)),
  }
}

function layoutOf(shape: readonly (number | string)[]): Layout {
  const short = (size: number | string | undefined): boolean =>
    typeof size === 'number' && size >= 1 && size <= MOST_CHANNELS
  return short(shape.at(-1)) && !short(shape[1]) ? 'channels-last' : 'planar'
}

/** From the planar float32 image to the network's own input; no nodes where they are the same. */
function nodesFor(
  { name, type }: GraphValue,
  layout: Layout,
  dimensions: number,
  constants: readonly OnnxInitializer[],
): OnnxNode[] {
  const spatialAxes = Array.from({ length: dimensions }, (_, axis) => axis + 2)
  const steps: (Pick<OnnxNode, 'operation' | 'attributes'> & { readonly operand?: string })[] = [
    ...constants.map((operand) => ({
      operation: operand.name.endsWith('.scale') ? 'Mul' : 'Add',
      operand: operand.name,
    })),
    ...(type === FLOAT16 ? [{ operation: 'Cast', attributes: { to: { int: FLOAT16 } } }] : []),
    ...(layout === 'channels-last'
      ? [{ operation: 'Transpose', attributes: { perm: { ints: [0, ...spatialAxes, 1] } } }]
      : []),
  ]
  return steps.map(({ operand, ...step }, index) => {
    const input = index === 0 ? `planar.${name}` : `planar.${name}.${index}`
    const output = index === steps.length - 1 ? name : `planar.${name}.${index + 1}`
    return { ...step, name: output, inputs: operand ? [input, operand] : [input], outputs: [output] }
  })
}

function checkIntensities(part: string, values: readonly number[], channels: number): void {
  const fits = values.length === 1 || values.length === channels
  if (fits && values.every((value) => Number.isFinite(value) && (part === 'shift' || value !== 0))) return
  throw new ValueError(`${part} of the intensities`, {
    found: `[${values}]`,
    expected: `1 or ${channels} finite numbers${part === 'scale' ? ' other than 0' : ''}`,
    remedy: 'Give one for all channels, or one for each',
  })
}

function inputError(found: string, expected: string, remedy: string): ModelError {
  return new ModelError('input of the ONNX network', { found, expected, remedy })
}
