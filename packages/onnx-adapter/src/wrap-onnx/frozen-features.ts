// Training the heads alone: everything before them stays as it is in its file, and gives features.
import { checkWeights, type Network, type PerAxis } from '@stochseg/backbones'
import {
  type Case,
  DataError,
  type Dataset,
  ModelError,
  ShapeError,
  voxelCount,
  type Weight,
  type Weights,
} from '@stochseg/core'
import { filledBatches, withoutFilling } from '../fixed-batches'
import { decodeMetadata, encodeMetadata, isStochastic, type ModelMetadata } from '../model-metadata'
import { checkSize } from '../onnx-segmenter'
import { readGraph } from '../protobuf/read-graph'
import { rewriteModel } from '../protobuf/rewrite-model'
import { withoutSampler } from '../sampler-graph/without-sampler'
import type { OnnxSession, OutputValues } from '../session/onnx-session'
import { cpuSession } from './cpu-session'
import { headSpec } from './head-spec'

/** Features of images, planar `[N, channels, *spatial]`. */
export interface Features {
  readonly data: Float32Array
  readonly spatial: PerAxis
}

/** A network with an SSN head without that head: from images to features, on the CPU. */
export class FrozenFeatures {
  readonly metadata: ModelMetadata
  /** A network of the head alone, whose image is the features, and its weights in the file: what is trained. */
  readonly network: Network
  readonly weights: Weights
  readonly #session: OnnxSession

  private constructor(metadata: ModelMetadata, network: Network, weights: Weights, session: OnnxSession) {
    this.metadata = metadata
    this.network = network
    this.weights = weights
    this.#session = session
  }

  /**
   * Opens a file that `wrapOnnx` or `exportOnnx` wrote. Throws {@link ModelError} for one without heads of float32
   * weights, `RuntimeUnavailableError` without ONNX Runtime.
   */
  static async load(model: Uint8Array): Promise<FrozenFeatures> {
    const { metadata, features, network, weights } = readHeads(model)
    const session = await cpuSession(rewriteModel(withoutSampler(model), { outputs: [{ name: features }] }))
    return new FrozenFeatures(metadata, network, weights, session)
  }

  /** The features of `images` `[batch, channels, *spatial]`. Throws {@link ShapeError} for sizes that the network does not take. */
  async extract(images: Float32Array, batch: number, spatial: PerAxis): Promise<Features> {
    const { channels, fixedBatch: size = batch } = this.metadata
    checkSize(this.metadata, spatial)
    if (images.length !== batch * channels * voxelCount(spatial)) {
      throw new ShapeError('images', {
        found: `${images.length} values`,
        expected: `[${[batch, channels, ...spatial]}], planar`,
        remedy: `The network reads ${channels} channels: give images of that many`,
      })
    }
    const outputs: OutputValues[] = []
    for (const part of filledBatches(images, batch, size)) {
      outputs.push(...Object.values(await this.#session.run(part, [size, channels, ...spatial])))
    }
    const values = outputs.map(({ data }) => data!)
    return { data: withoutFilling(values, batch, size), spatial: outputs[0]!.dims.slice(2) }
  }

  /**
   * A data set with features in place of images, computed when a case is first read and kept from then on, as float32, in
   * memory: channels × voxels × 4 bytes a case, as many cases as fit `keepBytes` (2 GiB unless given). Those of the others
   * are computed anew each time.
   *
   * Its cases throw {@link DataError} where features are not finite or smaller than the label maps.
   */
  dataset(images: Dataset, { keepBytes = 2 ** 31 }: { readonly keepBytes?: number } = {}): Dataset {
    const { channels } = this.network.spec.inputs[0]!
    const most = keepBytes / (4 * channels * voxelCount(images.spatial))
    const kept = new Map<number, Promise<Float32Array>>()
    const featuresOf = async ({ id, image }: Case): Promise<Float32Array> => {
      const { data, spatial } = await this.extract(image, 1, images.spatial)
      if (String(spatial) !== String(images.spatial) || data.some((value) => !Number.isFinite(value))) {
        throw new DataError(`features of ${id}`, {
          found:
            String(spatial) === String(images.spatial)
              ? 'values that are not finite'
              : `size ${spatial.join(' × ')}`,
          expected: `finite features of the size of the label maps, ${images.spatial.join(' × ')}`,
          remedy: 'Give images that the network takes as they are, and that it keeps the size of',
        })
      }
      return data
    }
    return {
      ...{ name: `features of ${images.name}`, channels, classes: images.classes },
      ...{ spatial: images.spatial, length: images.length },
      case: async (index): Promise<Case> => {
        const item = await images.case(index)
        const features = kept.get(index) ?? featuresOf(item)
        if (kept.has(index) || kept.size + 1 <= most) kept.set(index, features)
        return { ...item, image: await features }
      },
    }
  }

  /** Frees the network. */
  async dispose(): Promise<void> {
    await this.#session.release()
  }
}

/**
 * Whether a file has an SSN head as `wrapOnnx` and `exportOnnx` write it; a deterministic head is none. Throws
 * {@link ModelError} for no ONNX model.
 */
export function hasHeads(model: Uint8Array): boolean {
  const { metadata, nodes } = readGraph(model)
  return isStochastic(metadata) && nodes.some(({ name }) => name === 'head.mean')
}

/**
 * The file with other weights in its heads, and more of the user's properties, which replace those of their names.
 *
 * Throws {@link ModelError} for weights that do not fit.
 */
export function withHeads(
  model: Uint8Array,
  weights: Weights,
  properties: Readonly<Record<string, string>> = {},
): Uint8Array {
  const { network, metadata } = readHeads(model)
  checkWeights(network.spec, network.head, weights)
  const constants = [...weights].map(([name, { shape, data }]) => ({ name, shape, data }))
  const all = { ...metadata, properties: { ...metadata.properties, ...properties } }
  return rewriteModel(model, { constants, metadata: encodeMetadata(all) })
}

function readHeads(model: Uint8Array): Pick<FrozenFeatures, 'metadata' | 'network' | 'weights'> & {
  readonly features: string
} {
  const graph = readGraph(model)
  const metadata = decodeMetadata(graph.metadata)
  const mean = graph.nodes.find(({ name, operation }) => name === 'head.mean' && operation === 'Conv')
  const shape = mean && graph.constants.get('head.mean.weight')?.shape
  if (!mean || !shape) throw noHeads("no convolution 'head.mean'")
  const network: Network = {
    spec: { ...headSpec(shape[1]!, metadata.dimensions), headBias: mean.inputs.length > 2 },
    head: metadata.head,
  }
  const weights = new Map<string, Weight>()
  for (const [name, constant] of graph.constants) {
    if (!/^head\..*\.(weight|bias)$/.test(name)) continue
    const data = constant.values()
    if (!data) throw noHeads(`'${name}' in another type than float32, or another file`)
    weights.set(name, { shape: constant.shape, data })
  }
  checkWeights(network.spec, network.head, weights)
  return { metadata, features: mean.inputs[0]!, network, weights }
}

function noHeads(found: string): ModelError {
  return new ModelError('heads of the ONNX network', {
    found,
    expected: 'heads as wrapOnnx and exportOnnx write them, in float32',
    remedy: 'Wrap the network first, or export it without float16 weights',
  })
}
