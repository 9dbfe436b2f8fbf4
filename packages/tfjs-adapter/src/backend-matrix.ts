// Every operation that a NetworkSpec can use, on the present backend: forward against the float64 interpreter, gradients
// against finite differences.
import {
  initialWeights,
  interpretSpec,
  type NetworkNode,
  type NetworkSpec,
  parametersOf,
} from '@stochseg/backbones'
import { ssnHead, standardNormals, type Weights } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { model as layersModel } from '@tensorflow/tfjs-layers'
import { buildModel } from './build'
import { checkGradient, faultOf, nodeCheck, smallSize } from './gradient-self-test'
import { fromPlanar, toPlanar } from './planar'

/** What a backend makes of one operation; a fault says what is wrong with it. */
export interface OperationReport {
  /** e.g. `convolution 3×3×3, stride 2`. */
  readonly operation: string
  readonly forward: 'right' | { readonly fault: string }
  readonly gradient: 'right' | { readonly fault: string }
}

/** Largest accepted error of a forward pass, relative to its largest value. */
const TOLERANCE = 1e-4
const CHANNELS = 6
/** A network has one; it is not computed. */
const HEAD = ssnHead({ kind: 'deterministic', classes: 2 })

/** How the work of {@link operationReports} is followed and stopped. */
export interface MatrixOptions {
  /** Its reason is thrown, between two operations. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** Tries every operation in 2D and 3D on the current backend. */
export async function operationReports({
  signal,
  onProgress,
}: MatrixOptions = {}): Promise<OperationReport[]> {
  const reports: OperationReport[] = []
  const all = ([2, 3] as const).flatMap((dimensions) =>
    operations(dimensions).map(([operation, node]) => ({ operation, node, dimensions })),
  )
  for (const { operation, node, dimensions } of all) {
    // Some backends compute without ever waiting: give timers and signals their turn.
    await new Promise((resolve) => setTimeout(resolve))
    signal?.throwIfAborted()
    const widths = node.inputs.map(() => CHANNELS)
    reports.push({
      operation,
      forward: await outcome(() => checkForward(node, dimensions)),
      gradient: await outcome(() => checkGradient(operation, () => nodeCheck(node, widths, dimensions))),
    })
    onProgress?.(reports.length, all.length)
  }
  return reports
}

/** Each operation under a name, reading `image`. */
function operations(dimensions: 2 | 3): (readonly [name: string, node: NetworkNode])[] {
  const axes = (value: number): number[] => Array(dimensions).fill(value)
  const size = (value: number): string => axes(value).join('×')
  const shared = { name: 'node', inputs: ['image'] }
  const convolution = { ...shared, op: 'convolution', channels: 5, padding: 'same', bias: true } as const
  const nodes: [string, NetworkNode][] = [
    ...[1, 2, 3, ...(dimensions === 2 ? [5] : [])].map((width): [string, NetworkNode] => [
      `convolution ${size(width)}`,
      { ...convolution, kernel: axes(width) },
    ]),
    [`convolution ${size(3)}, valid`, { ...convolution, kernel: axes(3), padding: 'valid' }],
    [`convolution ${size(3)}, stride 2`, { ...convolution, kernel: axes(3), stride: axes(2) }],
    [`convolution ${size(3)}, dilation 2`, { ...convolution, kernel: axes(3), dilation: axes(2) }],
    [
      `convolution ${[3, ...axes(1).slice(1)].join('×')}, valid, dilation 2`,
      {
        ...convolution,
        kernel: [3, ...axes(1).slice(1)],
        padding: 'valid',
        dilation: [2, ...axes(1).slice(1)],
      },
    ],
    [
      `transposed convolution ${size(2)}`,
      { ...shared, op: 'transposedConvolution', channels: 5, factor: axes(2), bias: true },
    ],
    ['batch normalisation', { ...shared, op: 'batchNorm', epsilon: 1e-3, momentum: 0.9 }],
    ['group normalisation', { ...shared, op: 'groupNorm', groups: 2, epsilon: 1e-3 }],
    ['instance normalisation', { ...shared, op: 'groupNorm', groups: CHANNELS, epsilon: 1e-3 }],
    ...(['relu', 'leakyRelu', 'prelu', 'sigmoid', 'tanh'] as const).map((kind): [string, NetworkNode] => [
      kind,
      { ...shared, op: 'activation', function: kind },
    ]),
    ...(['average', 'max'] as const).flatMap((kind) =>
      [axes(2), [2, 3, 1].slice(0, dimensions)].map((window): [string, NetworkNode] => [
        `${kind} pool ${window.join('×')}`,
        { ...shared, op: 'pool', kind, window },
      ]),
    ),
    ...(['nearest', 'linear'] as const).flatMap((kind) =>
      [2, 3].map((factor): [string, NetworkNode] => [
        `${kind} up-sampling ${size(factor)}`,
        { ...shared, op: 'upsample', kind, factor: axes(factor) },
      ]),
    ),
    ['concatenation', { ...shared, op: 'concat', inputs: ['image', 'image'] }],
    ['addition', { ...shared, op: 'add', inputs: ['image', 'image'] }],
    ['crop', { ...shared, op: 'crop', before: axes(1), after: axes(2) }],
    ['strided slice', { ...shared, op: 'slice', start: axes(1), step: axes(3) }],
    ['dropout', { ...shared, op: 'dropout', rate: 0.5 }],
  ]
  return nodes.map(([name, node]) => [/\d×/.test(name) ? name : `${name}, ${dimensions}D`, node])
}

/** Throws where the inference of one node is not what the interpreter gives. */
async function checkForward(node: NetworkNode, dimensions: 2 | 3): Promise<void> {
  const spec: NetworkSpec = {
    format: 'stochseg.network',
    version: 1,
    name: 'operation',
    dimensions,
    inputs: [{ name: 'image', channels: CHANNELS }],
    nodes: [node],
    features: node.name,
  }
  const weights = randomWeights(spec)
  const shape = [2, CHANNELS, ...Array.from({ length: dimensions }, (_, axis) => smallSize(node, axis))]
  const images = standardNormals(tf.util.sizeFromShape(shape), { seed: 3 })
  const image = { shape, data: Float64Array.from(images) }
  const expected = interpretSpec(spec, weights, new Map([['image', image]])).get(node.name)!
  const network = buildModel(spec, HEAD, weights)
  const withoutHead = layersModel({ inputs: network.inputs, outputs: network.getLayer(node.name).output })
  const output = tf.tidy(() =>
    toPlanar(withoutHead.apply(fromPlanar(images, shape), { training: false }) as tf.Tensor),
  )
  const values = await output.data<'float32'>()
  output.dispose()
  network.dispose()
  const largest = expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const error = expected.data.reduce(
    (most, value, index) => Math.max(most, Math.abs(value - values[index]!)),
    0,
  )
  if (values.length === expected.data.length && error <= TOLERANCE * largest) return
  throw new Error(`off by ${(error / largest).toPrecision(2)} of its largest value`)
}

function randomWeights(spec: NetworkSpec): Weights {
  const weights = new Map(initialWeights(spec, HEAD, { seed: 1 }))
  for (const [plane, { name, shape, initializer }] of parametersOf(spec, HEAD).entries()) {
    if (initializer.kind !== 'constant') continue
    const normals = standardNormals(tf.util.sizeFromShape([...shape]), { seed: 2, plane })
    // Variances are positive, and so may the rest be.
    weights.set(name, { shape, data: normals.map((value) => Math.exp(0.3 * value)) })
  }
  return weights
}

async function outcome(check: () => Promise<void>): Promise<OperationReport['forward']> {
  try {
    await check()
    return 'right'
  } catch (error) {
    return { fault: faultOf(error) }
  }
}
