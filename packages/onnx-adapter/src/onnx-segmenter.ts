// Running an exported network: images in, a distribution over logits out.
import { checkInputSize } from '@stochseg/backbones'
import {
  type LogitDistribution,
  ModelError,
  RuntimeUnavailableError,
  ShapeError,
  StochsegError,
  ValueError,
  voxelCount,
} from '@stochseg/core'
import type { Device, DeviceAttempt, DeviceChoice } from './devices/device'
import { type Opened, openSession } from './devices/open-session'
import { decodeMetadata, type ModelMetadata } from './model-metadata'
import { distributionOf } from './model-outputs'
import { readerBeside, readModel } from './model-source'
import { node } from './node'
import type { DeviceDistribution } from './on-device/device-distribution'
import { deviceDistributionOf } from './on-device/device-outputs'
import { inlineExternalData, type ReadExternalFile } from './protobuf/external-data'
import { type OnnxSummary, readOnnxModel } from './protobuf/read-onnx-model'
import { withoutSampler } from './sampler-graph/without-sampler'
import { LocalSession } from './session/onnx-session'
import { sessionError } from './session/session-errors'
import type { StartWorker } from './worker/thread-session'

/** Where and how a model runs. */
export interface SegmenterOptions {
  /** `auto` by default: the best that works, see docs/devices.md. */
  readonly device?: DeviceChoice
  /**
   * Whether it runs in a worker, so that nothing else waits for it: true in Node, false in browsers by default. In
   * browsers a function that starts a worker whose program calls `serveModel`.
   */
  readonly worker?: boolean | StartWorker
  /** Threads of one prediction on the CPU; ONNX Runtime's choice (one a core) unless given. */
  readonly threads?: number
  /** Whether the device's outputs for one random image are compared with the CPU's. */
  readonly verify?: boolean
  /** Reads a file that the model has its weights in, by the path in the model; for a path or URL, those beside it unless given. */
  readonly externalData?: ReadExternalFile
  readonly signal?: AbortSignal
}

/** A stochastic segmentation network in ONNX Runtime. */
export class OnnxSegmenter {
  readonly metadata: ModelMetadata
  /** Where it runs. */
  readonly device: Device
  /** The devices that were tried, in that order, the last of which works. */
  readonly attempts: readonly DeviceAttempt[]
  /** Nodes of the graph that WebGPU has no operator for: which were rewritten, and which run on the CPU. */
  readonly placement: { readonly rewritten: readonly string[]; readonly onCpu: readonly string[] }
  /** With `verify`: the largest difference to the CPU's outputs, relative to each output's largest value. */
  readonly differenceToCpu?: number
  readonly #session: Opened['session']
  #disposed: Promise<void> | undefined

  private constructor(metadata: ModelMetadata, opened: Opened) {
    const { device, attempts, preparation, differenceToCpu, session } = opened
    this.metadata = metadata
    this.device = device
    this.attempts = attempts
    this.placement = { rewritten: preparation.rewritten, onCpu: preparation.onCpu }
    if (differenceToCpu !== undefined) this.differenceToCpu = differenceToCpu
    this.#session = session
  }

  /**
   * Loads a model from a file's path (in browsers: its URL) or its bytes. A sampler in its graph is left out: no noise is
   * asked for, none is drawn.
   *
   * Throws `DataError` for a file that cannot be read, {@link ModelError} for one that is damaged or has no SSN head,
   * {@link ValueError} for a source that is neither text nor bytes, `RuntimeUnavailableError` where ONNX Runtime or the
   * device is not there or gives other results than the CPU, and `OutOfMemoryError`.
   */
  static async load(source: string | Uint8Array, options: SegmenterOptions = {}): Promise<OnnxSegmenter> {
    const { device = 'auto', worker = node !== undefined, threads, verify = false, signal } = options
    if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
      throw new ValueError('threads', {
        found: String(threads),
        expected: 'a whole number ≥ 1',
        remedy: 'Leave it out to use every core',
      })
    }
    const name = typeof source === 'string' ? source : 'ONNX model'
    const model = withoutSampler(await wholeModel(source, options))
    const metadata = checkSummary(name, readOnnxModel(model))
    const shape = [metadata.fixedBatch ?? 1, metadata.channels, ...metadata.minimumSize]
    const opened = await openSession({ name, model, device, worker, threads, verify, shape, signal })
    if (signal?.aborted) {
      await opened.session.release()
      signal.throwIfAborted()
    }
    return new OnnxSegmenter(metadata, opened)
  }

  /**
   * The distribution of the logits for `images` `[batch, channels, *spatial]`, normalised as in training.
   *
   * A deterministic network gives rank 0 and variance `DETERMINISTIC_VARIANCE`. Throws {@link ShapeError} for sizes
   * that the network does not take (it names the size to pad to) and for another batch than the file is for,
   * {@link ValueError} for images that are not float32 and for intensities or results that are not finite, `OutOfMemoryError`
   * where the device or the process has not enough, and `RuntimeUnavailableError` when the device or the worker is lost, or the
   * segmenter disposed of. Rejects with the signal's reason when it is aborted: from a worker at once.
   */
  async predict(
    images: Float32Array,
    batch: number,
    spatial: readonly number[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<LogitDistribution> {
    const { signal } = options
    const shape = this.#checkedShape(images, batch, spatial)
    // In this thread the run itself blocks: give timers and signals their turn before it.
    await new Promise((resolve) => setTimeout(resolve, 0))
    signal?.throwIfAborted()
    try {
      return distributionOf(this.metadata, await this.#session.run(images, shape, signal), batch)
    } catch (cause) {
      signal?.throwIfAborted()
      throw this.#error(cause)
    }
  }

  /**
   * As {@link predict}, leaving the distribution on the graphics card: for `sampleLabelMapsOnDevice` and `marginalsOnDevice`.
   * Only with WebGPU in browsers, and not in a worker. Its values are not checked. Dispose of it before the segmenter.
   *
   * Throws `RuntimeUnavailableError` elsewhere.
   */
  async predictOnDevice(
    images: Float32Array,
    batch: number,
    spatial: readonly number[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<DeviceDistribution> {
    const session = this.#session
    const shape = this.#checkedShape(images, batch, spatial)
    if (!(session instanceof LocalSession && session.keepsOutputs)) {
      throw new RuntimeUnavailableError('prediction on the device', {
        found: `device '${this.device}'${session instanceof LocalSession ? '' : ' in a worker'}`,
        expected: "'webgpu' in a browser, not in a worker",
        remedy: "Use predict and core's sampling functions",
      })
    }
    try {
      const outputs = await session.runOnDevice(images, shape, options.signal)
      return deviceDistributionOf(this.metadata, outputs, batch)
    } catch (cause) {
      options.signal?.throwIfAborted()
      throw this.#error(cause)
    }
  }

  /** Frees the model, and ends its worker. To be called after the last prediction; a second call does nothing. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#session.release()
    return this.#disposed
  }

  #error(cause: unknown): StochsegError {
    if (!this.#disposed || cause instanceof StochsegError)
      return sessionError(this.device, 'prediction', cause)
    return new RuntimeUnavailableError('prediction', {
      found: 'a segmenter that was disposed of',
      expected: 'one that is not, until the prediction is there',
      remedy: 'Await predictions before dispose, or load the model again',
      cause,
    })
  }

  #checkedShape(images: Float32Array, batch: number, spatial: readonly number[]): readonly number[] {
    checkSize(this.metadata, spatial)
    checkBatch(this.metadata, batch)
    const shape = [batch, this.metadata.channels, ...spatial]
    checkImages(images, shape)
    return shape
  }
}

async function wholeModel(
  source: string | Uint8Array,
  { externalData, signal }: SegmenterOptions,
): Promise<Uint8Array> {
  if (typeof source === 'string') {
    return inlineExternalData(await readModel(source, signal), externalData ?? readerBeside(source, signal))
  }
  if (source?.[Symbol.toStringTag] === 'Uint8Array') return inlineExternalData(source, externalData)
  throw new ValueError('ONNX model', {
    found: Object.prototype.toString.call(source),
    expected: "a file's path (in browsers its URL) as a string, or its bytes as a Uint8Array",
    remedy: 'Give new Uint8Array(buffer) for an ArrayBuffer, url.href for a URL, in Node fileURLToPath(url)',
  })
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

/** Throws {@link ShapeError} for a size that the network does not take, with the one to pad to. */
export function checkSize(metadata: ModelMetadata, spatial: readonly number[]): void {
  const { fixedSize, minimumSize } = metadata
  if (!fixedSize) checkInputSize(metadata, spatial)
  else if (String(spatial) !== String(minimumSize)) {
    throw new ShapeError('image size', {
      found: spatial.join(' × '),
      expected: `${minimumSize.join(' × ')}: the file is for this size alone`,
      remedy: 'Use predictWhole, which pads and tiles, or export it without a fixed size',
    })
  }
}

function checkBatch({ fixedBatch = 0 }: ModelMetadata, batch: number): void {
  if (fixedBatch === 0 || batch === fixedBatch) return
  throw new ShapeError('batch', {
    found: batch === 1 ? 'one image' : `${batch} images`,
    expected: `${fixedBatch}: the file is for batches of this size alone`,
    remedy: 'Use predictWhole, which fills batches up, or export it without a fixed batch',
  })
}

function checkImages(images: Float32Array, shape: readonly number[]): void {
  if (images?.[Symbol.toStringTag] !== 'Float32Array') {
    throw new ValueError('images', {
      found: Object.prototype.toString.call(images),
      expected: 'a Float32Array of intensities, normalised as in training',
      remedy: "Convert them: of 8-bit images, stochseg's own readers make value / 255 − 0.5",
    })
  }
  const batch = shape[0]!
  const isBatch = Number.isInteger(batch) && batch >= 1
  if (!isBatch || images.length !== voxelCount(shape)) {
    throw new ShapeError('images', {
      found: isBatch ? `${images.length} values` : `a batch of ${batch}`,
      expected: isBatch ? `${voxelCount(shape)} for shape [${shape}]` : 'a whole number of images, 1 or more',
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
