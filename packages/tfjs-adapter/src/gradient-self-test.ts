// Before training: does this backend compute right gradients of every operation that this network uses? Several
// backends of TF.js do not, and say nothing.
import { headNodes, type NetworkNode, type NetworkSpec, tensorChannels } from '@stochseg/backbones'
import { RuntimeUnavailableError, type SsnHead, StochsegError, standardNormals } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { model } from '@tensorflow/tfjs-layers'
import { applyNodes } from './build'
import { type Loss, streamingLoss } from './loss'

/** Step of the finite differences. The inputs keep kinks and ties further away than this. */
const STEP = 0.01
/** Largest accepted error of a directional derivative, relative to the gradient's norm. */
const TOLERANCE = 0.02
/** Random directions tried in each input and each weight. */
const DIRECTIONS = 2

/** A function of variables to differentiate. */
export interface Check {
  readonly variables: readonly tf.Variable[]
  readonly compute: () => tf.Tensor
  readonly dispose: () => void
}

/**
 * Compares gradients of small versions of the network's operations and of the loss with central differences.
 *
 * Throws {@link RuntimeUnavailableError} naming the operation and the backend where they differ, or where the backend
 * lacks a kernel.
 */
export async function gradientSelfTest(
  spec: NetworkSpec,
  head: SsnHead,
  loss: Loss = streamingLoss,
): Promise<void> {
  const channels = tensorChannels(spec)
  const seen = new Set<string>()
  for (const node of [...headNodes(spec, head), ...spec.nodes]) {
    const widths = node.inputs.map((input) => channels.get(input)!)
    const { name, inputs, ...settings } = smallNode(node, widths[0]!, [...node.inputs])
    const kind = JSON.stringify({ ...settings, channels: undefined, inputs: inputs.length })
    if (seen.has(kind)) continue
    seen.add(kind)
    await checkGradient(describe(node), () => nodeCheck(node, widths, spec.dimensions))
  }
  await checkGradient(`loss of the ${head.kind} head`, () => lossCheck(head, spec.dimensions, loss))
}

/** Runs one check. Throws {@link RuntimeUnavailableError} naming `operation` where the gradient is wrong or missing. */
export async function checkGradient(operation: string, prepare: () => Check): Promise<void> {
  let fault: string | undefined
  let cause: unknown
  try {
    const check = prepare()
    try {
      fault = await firstFault(check)
    } finally {
      check.dispose()
    }
  } catch (error) {
    fault = faultOf(error)
    cause = error
  }
  if (fault === undefined) return
  throw new RuntimeUnavailableError(`gradient of ${operation} on TF.js backend '${tf.getBackend()}'`, {
    found: fault,
    expected: 'the derivative that finite differences give',
    remedy: "Train on 'wasm' with its training kernels installed; this backend would learn the wrong thing",
    cause,
  })
}

/** What is wrong with an operation that throws. */
export function faultOf(error: unknown): string {
  if (error instanceof StochsegError) return error.found
  return error instanceof Error ? error.message || error.name : String(error)
}

/**
 * What is wrong with a gradient, if anything. Only `compute` and its gradient run on the backend, all else is computed here: it
 * is they that are judged, and every read and every further shader takes its time.
 */
async function firstFault({ variables, compute }: Check): Promise<string | undefined> {
  const shape = tf.tidy(() => compute().shape)
  const projection = signs(shape, 1)
  const loss = (): tf.Scalar => tf.sum(tf.mul(compute(), tf.tensor(projection, shape)))
  const { value, grads } = tf.variableGrads(loss, [...variables])
  try {
    for (const [index, variable] of variables.entries()) {
      const found = grads[variable.name]
      if (!found) return `no gradient for argument ${index}`
      const gradient = await found.data<'float32'>()
      const norm = Math.sqrt(dot(gradient, gradient))
      for (let trial = 0; trial < DIRECTIONS; trial++) {
        const direction = signs(variable.shape, 2 + index * DIRECTIONS + trial)
        const analytic = dot(gradient, direction)
        const numeric = await differenceAlong(variable, direction, compute, projection)
        if (!(Math.abs(analytic - numeric) <= TOLERANCE * norm + 1e-3)) {
          return `${analytic.toPrecision(4)} instead of ${numeric.toPrecision(4)} along a direction of argument ${index}`
        }
      }
    }
    return undefined
  } finally {
    tf.dispose([value, grads])
  }
}

/** Central difference of ⟨compute(), projection⟩ along a direction, summed in float64. */
async function differenceAlong(
  variable: tf.Variable,
  direction: Float32Array,
  compute: () => tf.Tensor,
  projection: Float32Array,
): Promise<number> {
  const start = await variable.data<'float32'>()
  const assign = (values: Float32Array): void =>
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)))
  const at = async (step: number): Promise<number> => {
    assign(start.map((value, index) => value + step * direction[index]!))
    const output = tf.tidy(compute)
    const values = await output.data<'float32'>()
    output.dispose()
    return dot(values, projection)
  }
  const difference = ((await at(STEP)) - (await at(-STEP))) / (2 * STEP)
  assign(start)
  return difference
}

/** The gradient of a small version of a node, whose inputs have at most so many channels. */
export function nodeCheck(node: NetworkNode, widths: readonly number[], dimensions: 2 | 3): Check {
  // Wide enough for a full register and a remainder, no wider.
  const inputs = widths.map((width, index) => ({ name: `input${index}`, channels: Math.min(width, 6) }))
  const small = smallNode(
    node,
    widths[0]!,
    inputs.map((input) => input.name),
  )
  const size = Array.from({ length: dimensions }, (_, axis) => smallSize(small, axis))
  const body = applyNodes({ dimensions, inputs, nodes: [small] }, { seed: 0, stream: 0 })
  const network = model({ inputs: body.inputs, outputs: body.tensors.get(node.name)! })
  const images = inputs.map(({ channels }) => spacedVariable([2, ...size, channels]))
  const weights = network.trainableWeights.map((weight) => weight.read() as tf.Variable)
  weights.forEach((weight, index) => {
    tf.tidy(() => weight.assign(normals(weight.shape, index)))
  })
  return {
    variables: [...images, ...weights],
    compute: () => network.apply(images, { training: true }) as tf.Tensor,
    dispose: () => {
      network.dispose()
      tf.dispose(images)
    },
  }
}

/** The gradient of a loss with respect to the head's outputs. */
export function lossCheck(head: SsnHead, dimensions: 2 | 3, loss: Loss = streamingLoss): Check {
  const spatial = [3, 4, 2].slice(0, dimensions)
  const voxels = 2 * tf.util.sizeFromShape(spatial)
  const variables = headNodes({ dimensions, features: '' }, head).map(({ channels }, index) =>
    normalVariable([2, ...spatial, channels], index),
  )
  const [mean, logDiagonal, factor] = variables
  return {
    variables,
    compute: () =>
      loss(
        head,
        { mean: mean!, ...(logDiagonal ? { logDiagonal } : {}), ...(factor ? { factor } : {}) },
        {
          labels: Uint8Array.from({ length: voxels }, (_, voxel) => (voxel * 7) % Math.max(head.classes, 2)),
          phase: 'all',
          samples: 3,
          seed: 1,
          stream: 0,
        },
      ),
    dispose: () => tf.dispose(variables),
  }
}

/** A variable of standard normals. */
export function normalVariable(shape: readonly number[], plane: number): tf.Variable {
  return variable(() => normals(shape, plane))
}

/** A variable of {@link spacedValues}. */
export function spacedVariable(shape: readonly number[]): tf.Variable {
  return variable(() => spacedValues(shape))
}

/** A variable survives the tidy; the tensor that it starts from does not. */
function variable(start: () => tf.Tensor): tf.Variable {
  return tf.tidy(() => tf.variable(start()) as tf.Tensor) as tf.Variable
}

/** A node like this one, whose first input has up to 6 channels, and which fits a small image. */
function smallNode(node: NetworkNode, width: number, inputs: string[]): NetworkNode {
  switch (node.op) {
    case 'convolution': {
      const channels = Math.min(node.channels, 10)
      const dilation = node.dilation?.map((step) => Math.min(step, 2))
      return { ...node, inputs, channels, ...(dilation ? { dilation } : {}) }
    }
    case 'transposedConvolution':
      return { ...node, inputs, channels: Math.min(node.channels, 10) }
    case 'pool':
      return { ...node, inputs, window: node.window.map((length) => Math.min(length, 4)) }
    case 'groupNorm': {
      if (width <= 6) return { ...node, inputs }
      return { ...node, inputs, groups: node.groups === width ? 6 : Math.min(node.groups, 2) }
    }
    case 'activation': {
      if (node.function !== 'leakyRelu') return { ...node, inputs }
      // A slope of 0.01 would be lost in what the differences are off by.
      return { ...node, inputs, slope: (node.slope ?? 1) < 0 ? -0.4 : 0.4 }
    }
    case 'crop': {
      const short = (margin: readonly number[]): number[] => margin.map((length) => Math.min(length, 2))
      return { ...node, inputs, before: short(node.before), after: short(node.after) }
    }
    default:
      return { ...node, inputs }
  }
}

/** The smallest comfortable size along an axis for an operation. */
export function smallSize(node: NetworkNode, axis: number): number {
  switch (node.op) {
    case 'convolution':
      return Math.max(node.kernel[axis]! * (node.dilation?.[axis] ?? 1) + 1, 5)
    case 'pool':
      return 3 * node.window[axis]!
    case 'crop':
      return node.before[axis]! + node.after[axis]! + 3
    case 'slice':
      return node.start[axis]! + 2 * node.step[axis]! + 1
    default:
      return 4
  }
}

/** A prime that no small size leaves ±1 of: multiples of such a one would rise or fall with the index, in every window alike. */
const SPREAD = 7877

/** Distinct values on both sides of zero, further than 4 · STEP from each other and 2 · STEP from zero. */
function spacedValues(shape: readonly number[]): tf.Tensor {
  const size = tf.util.sizeFromShape([...shape])
  const values = Float32Array.from(
    { length: size },
    (_, index) => (((index * SPREAD) % size) - size / 2 + (size % 2 === 0 ? 0.5 : 0)) * 5 * STEP,
  )
  return tf.tensor(values, [...shape])
}

function normals(shape: readonly number[], plane: number): tf.Tensor {
  return tf.tensor(standardNormals(tf.util.sizeFromShape([...shape]), { seed: 7, plane }), [...shape])
}

/** A random direction: every entry 1 or −1. */
function signs(shape: readonly number[], plane: number): Float32Array {
  const values = standardNormals(tf.util.sizeFromShape([...shape]), { seed: 7, plane })
  return values.map((value) => (value > 0 ? 1 : -1))
}

function dot(x: Float32Array, y: Float32Array): number {
  return x.reduce((sum, value, index) => sum + value * y[index]!, 0)
}

function describe(node: NetworkNode): string {
  const detail =
    node.op === 'convolution'
      ? node.kernel.join('×')
      : node.op === 'activation'
        ? node.function
        : node.op === 'pool' || node.op === 'upsample'
          ? node.kind
          : ''
  return `${[node.op, detail].filter(Boolean).join(' ')} ('${node.name}')`
}
