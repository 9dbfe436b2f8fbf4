// Running an exported network: images in, a distribution over logits out.
import { checkInputSize } from '@stochseg/backbones'
import {
  DataError,
  DETERMINISTIC_VARIANCE,
  type LogitDistribution,
  logitDistribution,
  ModelError,
  RuntimeUnavailableError,
  ShapeError,
  ValueError,
  voxelCount,
} from '@stochseg/core'
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { classMajorFactor } from './factor-layout'
import { decodeMetadata, type ModelMetadata } from './model-metadata'
import { loadOnnxRuntime, type OnnxRuntime } from './onnx-runtime'
import { type OnnxSummary, readOnnxModel } from './protobuf/read-onnx-model'

/** Where and how a model runs. */
export interface SegmenterOptions {
  /** `auto` is the CPU for now. */
  readonly device?: 'auto' | 'cpu' | 'cuda' | 'webgpu' | 'wasm'
  /** Threads of one prediction; ONNX Runtime's choice (one a core) unless given. */
  readonly threads?: number
  readonly signal?: AbortSignal
}

/** A stochastic segmentation network in ONNX Runtime. */
export class OnnxSegmenter {
  readonly metadata: ModelMetadata
  readonly #runtime: OnnxRuntime
  readonly #session: InferenceSession

  private constructor(metadata: ModelMetadata, runtime: OnnxRuntime, session: InferenceSession) {
    this.metadata = metadata
    this.#runtime = runtime
    this.#session = session
  }

  /**
   * Loads a model from a file's path or its bytes.
   *
   * Throws {@link DataError} for a file that cannot be read, {@link ModelError} for one that is damaged or has no SSN
   * head, and {@link RuntimeUnavailableError} where ONNX Runtime or the device is not there.
   */
  static async load(source: string | Uint8Array, options: SegmenterOptions = {}): Promise<OnnxSegmenter> {
    const { device = 'auto', threads, signal } = options
    if (device !== 'auto' && device !== 'cpu') {
      throw new RuntimeUnavailableError('device', {
        found: `'${device}'`,
        expected: "'cpu' or 'auto'",
        remedy: 'Other devices are not supported yet: leave the device out',
      })
    }
    if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
      throw new ValueError('threads', {
        found: String(threads),
        expected: 'a whole number ≥ 1',
        remedy: 'Leave it out to use every core',
      })
    }
    const name = typeof source === 'string' ? source : 'ONNX model'
    const bytes = typeof source === 'string' ? await readFile(source) : source
    const summary = readOnnxModel(bytes)
    const metadata = checkSummary(name, summary)
    signal?.throwIfAborted()

    const runtime = await loadOnnxRuntime()
    const session = await createSession(runtime, name, bytes, threads)
    if (signal?.aborted) {
      await session.release()
      signal.throwIfAborted()
    }
    return new OnnxSegmenter(metadata, runtime, session)
  }

  /**
   * The distribution of the logits for `images` `[batch, channels, *spatial]`, normalised as in training.
   *
   * A deterministic network gives rank 0 and variance {@link DETERMINISTIC_VARIANCE}. Throws {@link ShapeError} for
   * sizes that the network does not take (it names the size to pad to), {@link ValueError} for intensities or results
   * that are not finite.
   */
  async predict(
    images: Float32Array,
    batch: number,
    spatial: readonly number[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<LogitDistribution> {
    const { head, channels } = this.metadata
    checkInputSize(this.metadata, spatial)
    checkImages(images, [batch, channels, ...spatial])
    // The run itself blocks: give timers and signals their turn before it.
    await new Promise((resolve) => setTimeout(resolve, 0))
    options.signal?.throwIfAborted()

    const input = new this.#runtime.Tensor('float32', images, [batch, channels, ...spatial])
    const outputs = await this.#session.run({ [this.#session.inputNames[0]!]: input })

    const mean = floats(outputs, 'mean')
    const size = mean.dims.slice(2)
    checkShape('mean', mean.dims, [batch, head.classes, ...size], spatial.length)
    const factor = head.kind === 'low-rank' ? floats(outputs, 'factor') : undefined
    if (factor) checkShape('factor', factor.dims, [batch, head.classes * head.rank, ...size], spatial.length)
    const diagonal = head.kind === 'deterministic' ? undefined : floats(outputs, 'diagonal')
    if (diagonal) checkShape('diagonal', diagonal.dims, [batch, head.classes, ...size], spatial.length)
    const rankMajor = factor && this.metadata.factorLayout === 'rank-major'
    return logitDistribution({
      batch,
      classes: head.classes,
      rank: head.rank,
      spatial: size,
      mean: mean.data,
      factor: rankMajor
        ? classMajorFactor(factor.data, { batch, ...head })
        : (factor?.data ?? new Float32Array(0)),
      diagonal: diagonal?.data ?? new Float32Array(mean.data.length).fill(DETERMINISTIC_VARIANCE),
    })
  }

  /** Frees the model. */
  async dispose(): Promise<void> {
    await this.#session.release()
  }
}

async function readFile(path: string): Promise<Uint8Array> {
  const files = await import('node:fs/promises')
  try {
    return await files.readFile(path)
  } catch (cause) {
    throw new DataError(`'${path}'`, {
      found: cause instanceof Error ? cause.message : String(cause),
      expected: 'an ONNX file',
      remedy: 'Check the path and its permissions',
      cause,
    })
  }
}

function checkSummary(name: string, { inputs, outputs, metadata }: OnnxSummary): ModelMetadata {
  const found = `inputs ${inputs.join(', ')} and outputs ${outputs.join(', ')}`
  if (!outputs.includes('mean')) {
    throw new ModelError(name, {
      found,
      expected: 'an SSN head: outputs mean, factor and diagonal',
      remedy: 'Export a network with its SSN head (exportOnnx, `stochseg export`)',
    })
  }
  const decoded = decodeMetadata(metadata)
  const { kind } = decoded.head
  const missing = [
    ...(kind === 'low-rank' ? ['factor'] : []),
    ...(kind === 'deterministic' ? [] : ['diagonal']),
  ].filter((output) => !outputs.includes(output))
  if (missing.length > 0 || inputs.length !== 1) {
    throw new ModelError(name, {
      found,
      expected: `one input, and the outputs of a ${kind} head${missing.map((output) => `, ${output}`).join('')}`,
      remedy: 'Export the network again',
    })
  }
  return decoded
}

async function createSession(
  runtime: OnnxRuntime,
  name: string,
  bytes: Uint8Array,
  threads: number | undefined,
): Promise<InferenceSession> {
  try {
    return await runtime.InferenceSession.create(bytes, {
      executionProviders: ['cpu'],
      logSeverityLevel: 3,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    })
  } catch (cause) {
    throw new ModelError(name, {
      found: cause instanceof Error ? cause.message : String(cause),
      expected: 'a model that ONNX Runtime can load',
      remedy: 'The file is damaged, or needs a newer onnxruntime-node: export it again or update',
      cause,
    })
  }
}

function checkImages(images: Float32Array, shape: readonly number[]): void {
  if (!(shape[0]! >= 1) || images.length !== voxelCount(shape)) {
    throw new ShapeError('images', {
      found: `${images.length} values`,
      expected: `${voxelCount(shape)} for shape [${shape}]`,
      remedy: 'Give planar images [batch, channels, *spatial] of at least one image',
    })
  }
  const wrong = images.findIndex((value) => !Number.isFinite(value))
  if (wrong >= 0) {
    throw new ValueError('images', {
      found: `${images[wrong]} at index ${wrong}`,
      expected: 'finite intensities',
      remedy: 'Replace missing values before segmenting',
    })
  }
}

function floats(
  outputs: InferenceSession.ReturnType,
  name: string,
): { dims: readonly number[]; data: Float32Array } {
  const tensor: Tensor | undefined = outputs[name] as Tensor | undefined
  if (!(tensor?.data instanceof Float32Array)) {
    throw new ModelError(`output '${name}'`, {
      found: tensor ? `values of type ${tensor.type}` : 'nothing',
      expected: 'float32 values',
      remedy: 'Export the network again',
    })
  }
  return { dims: tensor.dims, data: tensor.data }
}

function checkShape(
  name: string,
  found: readonly number[],
  expected: readonly number[],
  dimensions: number,
): void {
  if (found.length === dimensions + 2 && String(found) === String(expected)) return
  throw new ModelError(`output '${name}'`, {
    found: `shape [${found}]`,
    expected: `shape [${expected}], as the metadata say`,
    remedy: 'Export the network again',
  })
}
