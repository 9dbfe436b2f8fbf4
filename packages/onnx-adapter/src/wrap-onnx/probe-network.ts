// What a graph does not say about a network: which sizes it takes, how far it sees, what its features are like.
import type { PerAxis } from '@stochseg/backbones'
import { ModelError, standardNormals, voxelCount } from '@stochseg/core'
import { GraphBuilder } from '../graph-builder'
import type { OnnxInitializer, OnnxNode } from '../protobuf/onnx-model'
import type { OnnxGraph } from '../protobuf/read-graph'
import { rewriteModel } from '../protobuf/rewrite-model'
import type { OutputValues } from '../session/onnx-session'
import { cpuSession } from './cpu-session'
import type { FoundHead } from './find-head'
import type { ImageInput } from './image-input'
import { type ProbedSizes, probeShrinkage, probeSizes, type TrySize } from './probe-sizes'
import { resizedLike } from './resized-like'

/** Names of the found tensors as float32, whatever they are in the network. */
export const AS_FLOAT32: Readonly<FoundHead> = { features: 'wrapped.features', logits: 'wrapped.logits' }

/** ONNX's number for float32. */
const FLOAT32 = { int: 1 }

/** What running the network tells. */
export interface Probed {
  /** The model with a planar float32 image of free sizes, and with the tensors of {@link AS_FLOAT32}. */
  readonly free: Uint8Array
  readonly batch: number | string
  readonly sizes: ProbedSizes & { readonly receptiveField: PerAxis }
  /** Both at the usual size. */
  readonly features: OutputValues
  readonly logits: OutputValues
}

/**
 * Runs a network in many sizes; logits that are a whole number of times smaller than the image are brought to its size.
 *
 * Throws {@link ModelError} where it runs with none, or where features or logits have another number of axes.
 */
export async function probeNetwork(
  model: Uint8Array,
  { operatorSet }: OnnxGraph,
  image: ImageInput,
  found: FoundHead,
): Promise<Probed> {
  const given = freed(model, image, castNodes(found))
  return await withNetwork(given, image, async (run) => {
    const factors = await probeShrinkage(logitsSize(run), image.dimensions, image.spatial)
    if (factors.every((factor) => factor === 1)) return await probe(given, image, found, run)
    const graph = new GraphBuilder(AS_FLOAT32.logits, operatorSet)
    resizedLike(graph, COARSE, image.name, AS_FLOAT32.logits)
    const resized = freed(model, image, [...castNodes(found, COARSE), ...graph.nodes], graph.constants)
    return await withNetwork(resized, image, (rerun) => probe(resized, image, found, rerun, factors))
  })
}

/** The logits before they are resized. */
const COARSE = 'wrapped.coarse'

function castNodes(found: FoundHead, logits: string = AS_FLOAT32.logits): OnnxNode[] {
  return (['features', 'logits'] as const).map((part) => {
    const output = part === 'logits' ? logits : AS_FLOAT32.features
    return {
      ...{ name: output, operation: 'Cast', attributes: { to: FLOAT32 } },
      ...{ inputs: [found[part]], outputs: [output] },
    }
  })
}

function freed(
  model: Uint8Array,
  image: ImageInput,
  nodesAfter: readonly OnnxNode[],
  constants: readonly OnnxInitializer[] = [],
): Uint8Array {
  const names = image.spatial.map((_, axis) => `axis${axis}`)
  return rewriteModel(model, {
    inputs: [{ name: image.name, shape: ['batch', image.channels, ...names] }],
    outputs: [{ name: AS_FLOAT32.features }, { name: AS_FLOAT32.logits }],
    nodesBefore: image.nodes,
    nodesAfter,
    constants: [...image.constants, ...constants],
    forgetShapes: true,
  })
}

/** Runs the network on random images of a size. */
type Run = (
  size: readonly number[],
  options?: { readonly impulse?: number; readonly batch?: number },
) => Promise<Record<string, OutputValues>>

async function withNetwork<T>(
  model: Uint8Array,
  image: ImageInput,
  use: (run: Run) => Promise<T>,
): Promise<T> {
  const session = await cpuSession(model)
  try {
    return await use(async (size, { impulse = 0, batch = image.batch ?? 1 } = {}) => {
      const shape = [batch, image.channels, ...size]
      const pixels = standardNormals(voxelCount(shape), { seed: 1 })
      const voxels = voxelCount(size)
      for (let index = centre(size); index < pixels.length; index += voxels) pixels[index]! += impulse
      return await session.run(pixels, shape)
    })
  } finally {
    await session.release()
  }
}

/** @param multiples of which lengths have to be: others, resized by no whole number, would lie beside their voxels. */
function logitsSize(run: Run, multiples?: readonly number[]): TrySize {
  return async (size) => {
    if (multiples && size.some((length, axis) => length % multiples[axis]! !== 0)) return undefined
    return run(size).then(
      (outputs) => outputs[AS_FLOAT32.logits]?.dims.slice(2),
      () => undefined,
    )
  }
}

async function probe(
  free: Uint8Array,
  image: ImageInput,
  found: FoundHead,
  run: Run,
  multiples?: readonly number[],
): Promise<Probed> {
  const { features, logits } = AS_FLOAT32
  const sizes = await probeSizes(logitsSize(run, multiples), image.dimensions, image.spatial)
  const outputs = await run(sizes.usual)
  const changed = await run(sizes.usual, { impulse: 10 })
  const receptiveField = reach(outputs[logits]!, changed[logits]!, sizes.usual)
  const anyBatch = await run(sizes.usual, { batch: (image.batch ?? 1) + 1 }).then(
    (other) => other[logits]?.dims[0] === (image.batch ?? 1) + 1,
    () => false,
  )
  return {
    free,
    batch: anyBatch ? 'batch' : (image.batch ?? 1),
    sizes: { ...sizes, receptiveField },
    features: planar(found.features, outputs[features]!, image.dimensions),
    logits: planar(found.logits, outputs[logits]!, image.dimensions),
  }
}

function centre(size: readonly number[]): number {
  return size.reduce((index, length) => index * length + Math.floor(length / 2), 0)
}

/** How many voxels of the image the change of the one at its centre reaches, at most all. */
function reach(before: OutputValues, after: OutputValues, size: readonly number[]): number[] {
  const spatial = before.dims.slice(2)
  const least = spatial.map((length) => length)
  const most = spatial.map(() => -1)
  const voxels = voxelCount(spatial)
  const largest = before.data!.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  before.data!.forEach((value, index) => {
    if (Math.abs(value - after.data![index]!) <= 1e-6 * largest) return
    let rest = index % voxels
    for (let axis = spatial.length - 1; axis >= 0; axis--) {
      const position = rest % spatial[axis]!
      rest = Math.floor(rest / spatial[axis]!)
      least[axis] = Math.min(least[axis]!, position)
      most[axis] = Math.max(most[axis]!, position)
    }
  })
  return size.map((length, axis) => {
    const perLogit = Math.max(1, Math.round(length / spatial[axis]!))
    return Math.min(length, Math.max(1, (most[axis]! - least[axis]! + 1) * perLogit))
  })
}

function planar(name: string, output: OutputValues, dimensions: number): OutputValues {
  if (output.dims.length === dimensions + 2) return output
  throw new ModelError(`tensor '${name}'`, {
    found: `shape [${output.dims}]`,
    expected: `[N, channels, *S], ${dimensions + 2} axes`,
    remedy: 'Name a tensor of a convolution',
  })
}
