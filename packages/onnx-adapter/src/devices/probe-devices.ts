// What works here: every device is tried with a model, and compared with the CPU.
import { initialWeights, unet } from '@stochseg/backbones'
import { DataError, StochsegError, ssnHead, voxelCount } from '@stochseg/core'
import { exportOnnx } from '../export-onnx'
import { OnnxSegmenter } from '../onnx-segmenter'
import { DEVICES, type DeviceAttempt } from './device'

/** What came of trying a device with a model. */
export interface DeviceReport extends DeviceAttempt {
  /** Largest difference to the CPU's outputs, relative to each output's largest value. */
  readonly differenceToCpu?: number
  /** Duration of a prediction of one image (or the batch that the file is for) of `size`, the smallest that the model takes, after the first. */
  readonly milliseconds?: number
  readonly size?: readonly number[]
  /** See `OnnxSegmenter.placement`. */
  readonly placement?: OnnxSegmenter['placement']
}

/**
 * Tries every device, one after the other, with a model (a path, in browsers a URL, or bytes; a small U-Net unless given).
 *
 * What goes wrong on a device is reported, not thrown. Throws {@link DataError} for a file that cannot be read.
 */
export async function probeDevices(
  source: string | Uint8Array = smallModel(),
  options: { readonly signal?: AbortSignal } = {},
): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = []
  for (const device of DEVICES) {
    options.signal?.throwIfAborted()
    reports.push(await probe(device, source, options))
  }
  return reports
}

async function probe(
  device: DeviceReport['device'],
  source: string | Uint8Array,
  options: { readonly signal?: AbortSignal },
): Promise<DeviceReport> {
  let segmenter: OnnxSegmenter | undefined
  try {
    segmenter = await OnnxSegmenter.load(source, { ...options, device, verify: true })
    const { placement, metadata, differenceToCpu } = segmenter
    const { minimumSize: size, channels, fixedBatch: batch = 1 } = metadata
    const images = new Float32Array(batch * channels * voxelCount(size))
    await segmenter.predict(images, batch, size, options)
    const start = performance.now()
    await segmenter.predict(images, batch, size, options)
    const milliseconds = performance.now() - start
    return { device, works: true, differenceToCpu: differenceToCpu!, milliseconds, size, placement }
  } catch (error) {
    options.signal?.throwIfAborted()
    if (error instanceof DataError || !(error instanceof StochsegError)) throw error
    return { device, works: false, reason: error.found, remedy: error.remedy }
  } finally {
    await segmenter?.dispose()
  }
}

/** Seven levels, so that its smallest image of 64×64 is work enough to compare devices. */
function smallModel(): Uint8Array {
  const spec = unet({ inputChannels: 1, widths: [8, 16, 16, 16, 16, 16, 16] })
  const head = ssnHead({ classes: 2, rank: 2 })
  return exportOnnx({ spec, head, weights: initialWeights(spec, head, { seed: 0 }) })
}
