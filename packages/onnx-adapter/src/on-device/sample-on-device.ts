// Sampling where the distribution lies: the samples of core's functions, from buffers that are never read back.
import {
  checkRoi,
  drawNoise,
  type LabelMapOptions,
  type SamplingOptions,
  scalesOf,
  voxelCount,
} from '@stochseg/core'
import { compute, computePipeline, guarded, type Pass } from './compute'
import {
  checkBinding,
  checkDeviceDistribution,
  type DeviceDistribution,
  floatBuffer,
} from './device-distribution'
import { certaintyShader, entropyShader, labelMapShader, probabilityShader, WORKGROUP } from './sampling-wgsl'

/** Stops between the parts of the work. */
interface Abortable {
  readonly signal?: AbortSignal
}

/** Options without explicit noise, which lies in no device's memory. */
export type DeviceLabelMapOptions = Omit<LabelMapOptions, 'noise'> & Abortable
export type DeviceSamplingOptions = Omit<SamplingOptions, 'noise'> & Abortable

/** What samples say about each voxel by itself; see core's `sampleStatistics`. */
export interface DeviceMarginals {
  /** `[N, max(C, 2), *S]`. */
  readonly probabilities: Float32Array
  /** `[N, *S]`, from 0 (certain) to 1. */
  readonly entropy: Float32Array
}

/** Bytes of label maps, and samples, that a device works on at one go: it stays responsive, and a signal is heard. */
const BYTES_AT_A_GO = 2 ** 25
const SAMPLES_AT_A_GO = 64
/** The binding of z. */
const Z = 4
/** What WebGPU allows along each axis. */
const MOST_WORKGROUPS = 65_535

/**
 * Samples of the label map `[M, N, *S]`: those of core's `sampleLabelMaps`, but where two logits tie within float32 rounding.
 *
 * Throws `ShapeError` and `ValueError` as core does, `OutOfMemoryError` and `RuntimeUnavailableError` for what the device
 * does not take; rejects with the signal's reason when it is aborted.
 */
export async function sampleLabelMapsOnDevice(
  distribution: DeviceDistribution,
  options: DeviceLabelMapOptions,
): Promise<Uint8Array> {
  checkDeviceDistribution(distribution)
  const { device, batch, spatial } = distribution
  const { samples, first = 0, signal } = options
  const voxels = voxelCount(spatial)
  const map = batch * voxels
  checkRoi(options.roi, batch, voxels)
  checkSampling(distribution, options)
  const [certainty, labels] = await Promise.all([
    computePipeline(device, certaintyShader(distribution)),
    computePipeline(device, labelMapShader(distribution)),
  ])
  const [roi, certainties] = await guarded(device, (): [GPUBuffer, GPUBuffer] => [
    byteBuffer(device, options.roi ?? new Uint8Array(map).fill(1)),
    byteBuffer(device, 8 * map),
  ])
  const maps = new Uint8Array(samples * map)
  const together = Math.max(1, Math.min(SAMPLES_AT_A_GO, Math.floor(BYTES_AT_A_GO / map)))
  try {
    for (let from = 0; from < samples; from += together) {
      signal?.throwIfAborted()
      const count = Math.min(together, samples - from)
      const [part, output] = await guarded(device, (): [SamplePart, GPUBuffer] => [
        samplePart(distribution, { ...options, first: first + from, samples: count }),
        byteBuffer(device, count * map),
      ])
      try {
        const inputs = part.bindings
        const passes = [
          {
            pipeline: certainty,
            // z itself it does not read.
            bindings: [
              ...inputs.filter(({ binding }) => binding !== Z),
              whole(6, roi),
              whole(7, certainties),
            ],
            workgroups: [workgroupsFor(voxels), 1, batch],
          },
          {
            pipeline: labels,
            bindings: [...inputs, whole(6, certainties), whole(7, output)],
            workgroups: [workgroupsFor(voxels), part.quads, batch],
          },
        ] as const
        const [bytes] = await compute(device, passes, [output])
        maps.set(new Uint8Array(bytes!, 0, count * map), from * map)
      } finally {
        part.dispose()
        output.destroy()
      }
    }
  } finally {
    roi.destroy()
    certainties.destroy()
  }
  return maps
}

/**
 * Marginal probabilities and their entropy (eq. 9), to float32 rounding those of core's `sampleStatistics`.
 *
 * Throws as {@link sampleLabelMapsOnDevice}.
 */
export async function marginalsOnDevice(
  distribution: DeviceDistribution,
  options: DeviceSamplingOptions,
): Promise<DeviceMarginals> {
  checkDeviceDistribution(distribution)
  checkSampling(distribution, options)
  const { device, batch, classes, spatial } = distribution
  const { samples, first = 0, signal } = options
  const voxels = voxelCount(spatial)
  const [add, finish] = await Promise.all([
    computePipeline(device, probabilityShader(distribution)),
    computePipeline(device, entropyShader(distribution)),
  ])
  const workgroups = [workgroupsFor(voxels), 1, batch] as const
  const [parameters, sums, entropy] = await guarded(device, (): [GPUBuffer, GPUBuffer, GPUBuffer] => [
    uniformBuffer(device, Uint32Array.of(voxels, samples)),
    byteBuffer(device, 4 * batch * Math.max(classes, 2) * voxels),
    byteBuffer(device, 4 * batch * voxels),
  ])
  try {
    for (let from = 0; from < samples; from += SAMPLES_AT_A_GO) {
      signal?.throwIfAborted()
      const count = Math.min(SAMPLES_AT_A_GO, samples - from)
      const part = await guarded(device, () =>
        samplePart(distribution, { ...options, first: first + from, samples: count }),
      )
      try {
        const bindings = [...part.bindings, whole(6, sums)]
        await compute(device, [{ pipeline: add, bindings, workgroups }], [])
      } finally {
        part.dispose()
      }
    }
    const bindings = [whole(0, parameters), whole(1, sums), whole(2, entropy)]
    const results = await compute(device, [{ pipeline: finish, bindings, workgroups }], [sums, entropy])
    return {
      probabilities: new Float32Array(results[0]!, 0, batch * Math.max(classes, 2) * voxels),
      entropy: new Float32Array(results[1]!, 0, batch * voxels),
    }
  } finally {
    for (const buffer of [sums, entropy, parameters]) buffer.destroy()
  }
}

/** What shaders of samples are given. */
interface SamplePart {
  readonly bindings: Pass['bindings']
  readonly quads: number
  dispose(): void
}

function samplePart(distribution: DeviceDistribution, options: DeviceSamplingOptions): SamplePart {
  const { device, batch, classes, rank, spatial, mean, factor, diagonal } = distribution
  const { samples, seed, stream = 0, first = 0 } = options
  const { classScale, componentScale } = scalesOf(options.edits, distribution)
  const voxels = voxelCount(spatial)
  const skipped = first % 4
  const quads = Math.ceil((skipped + samples) / 4)
  const noise = drawNoise({ batch, classes, rank, spatial: [0], samples, seed, stream, first })
  const z = new Float32Array(batch * quads * rank * 4)
  const ofImages = classes
  const ofQuads = classes + batch
  const scales = new Float32Array(ofQuads + batch * quads)
  scales.set(classScale)
  for (let sample = 0; sample < samples; sample++) {
    const position = skipped + sample
    for (let image = 0; image < batch; image++) {
      const row = image * quads + (position >> 2)
      let squares = 0
      for (let component = 0; component < rank; component++) {
        const normal = noise.z[(sample * batch + image) * rank + component]!
        const value = Math.fround(normal * componentScale[component]!)
        z[(row * rank + component) * 4 + (position & 3)] = value
        squares += value * value
      }
      const length = Math.sqrt(squares) * (1 + 1e-6)
      scales[ofImages + image] = Math.max(scales[ofImages + image]!, length)
      scales[ofQuads + row] = Math.max(scales[ofQuads + row]!, length)
    }
  }
  const parameters = uniformBuffer(
    device,
    Uint32Array.of(
      ...[seed % 2 ** 32, Math.floor(seed / 2 ** 32), stream, batch],
      ...[voxels, Math.floor(first / 4), quads, skipped, samples],
    ),
  )
  const own = [parameters, floatBuffer(device, z), floatBuffer(device, scales)] as const
  const logits = batch * classes * voxels
  return {
    quads,
    bindings: [
      whole(0, parameters),
      { binding: 1, resource: { buffer: mean, size: 4 * logits } },
      // Of rank 0 there is none, but shaders read its first word as far as WebGPU knows.
      { binding: 2, resource: { buffer: factor, size: Math.max(4 * logits * rank, 4) } },
      { binding: 3, resource: { buffer: diagonal, size: 4 * logits } },
      whole(Z, own[1]),
      whole(5, own[2]),
    ],
    dispose: () => own.forEach((buffer) => void buffer.destroy()),
  }
}

/** Throws core's errors for all the samples, before any is drawn. */
function checkSampling(distribution: DeviceDistribution, options: DeviceSamplingOptions): void {
  const { samples, seed, stream = 0, first = 0, edits } = options
  scalesOf(edits, distribution)
  const nothing = { batch: distribution.batch, classes: 1, rank: 0, spatial: [0] }
  drawNoise({ ...nothing, samples, seed, stream, first })
}

function workgroupsFor(voxels: number): number {
  return Math.min(Math.ceil(voxels / WORKGROUP), MOST_WORKGROUPS)
}

function whole(binding: number, buffer: GPUBuffer): Pass['bindings'][number] {
  return { binding, resource: { buffer } }
}

function uniformBuffer(device: GPUDevice, words: Uint32Array<ArrayBuffer>): GPUBuffer {
  const buffer = device.createBuffer({ size: 48, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST })
  device.queue.writeBuffer(buffer, 0, words)
  return buffer
}

/** A storage buffer of whole words, with these bytes or zeros. */
function byteBuffer(device: GPUDevice, content: Uint8Array | number): GPUBuffer {
  const bytes = typeof content === 'number' ? content : content.length
  const size = Math.max(4 * Math.ceil(bytes / 4), 4)
  checkBinding(device, size)
  const buffer = device.createBuffer({
    size,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
  })
  if (typeof content === 'number') return buffer
  const padded = new Uint8Array(size)
  padded.set(content)
  device.queue.writeBuffer(buffer, 0, padded)
  return buffer
}
