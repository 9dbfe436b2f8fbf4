// A distribution in the memory of a WebGPU device: nothing of it is read back.
import {
  type LogitDistribution,
  logitDistribution,
  OutOfMemoryError,
  ValueError,
  voxelCount,
} from '@stochseg/core'

/** Buffers of float32 on one device, each at least as long as its array. See core's `LogitDistribution`. */
export interface DeviceDistribution
  extends Pick<LogitDistribution, 'batch' | 'classes' | 'rank' | 'spatial'> {
  readonly device: GPUDevice
  /** `[N, C, *S]`. */
  readonly mean: GPUBuffer
  /** `[N, C, R, *S]`, or `[N, R, C, *S]` where `factorLayout` says so; any buffer when rank is 0. */
  readonly factor: GPUBuffer
  readonly factorLayout?: 'rank-major'
  /** `[N, C, *S]`, variances > 0. */
  readonly diagonal: GPUBuffer
  /** Frees the buffers. */
  dispose(): void
}

/** Copies a distribution to a device. Throws {@link OutOfMemoryError} for arrays that the device has no binding for. */
export function toDevice(device: GPUDevice, distribution: LogitDistribution): DeviceDistribution {
  const { batch, classes, rank, spatial, mean, factor, diagonal } = logitDistribution(distribution)
  const buffers = [mean, factor, diagonal].map((array) => floatBuffer(device, array))
  return {
    ...{ device, batch, classes, rank, spatial },
    mean: buffers[0]!,
    factor: buffers[1]!,
    diagonal: buffers[2]!,
    dispose: () => buffers.forEach((buffer) => void buffer.destroy()),
  }
}

/** A storage buffer with these values; never empty. Throws {@link OutOfMemoryError} where it is too long for a binding. */
export function floatBuffer(device: GPUDevice, values: Float32Array): GPUBuffer {
  checkBinding(device, values.byteLength)
  const buffer = device.createBuffer({
    size: Math.max(values.byteLength, 16),
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
  })
  device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>)
  return buffer
}

/** Checks that buffers are as long as the sizes say, and not too long for the device. */
export function checkDeviceDistribution(distribution: DeviceDistribution): void {
  const { batch, classes, rank, spatial, device } = distribution
  const logits = batch * classes * voxelCount(spatial)
  for (const [name, count] of [
    ['mean', logits],
    ['factor', logits * rank],
    ['diagonal', logits],
  ] as const) {
    if (distribution[name].size < 4 * count) {
      throw new ValueError(`${name} on the device`, {
        found: `a buffer of ${distribution[name].size} bytes`,
        expected: `at least ${4 * count}, for shape [${[batch, classes, ...(name === 'factor' ? [rank] : []), ...spatial]}]`,
        remedy: 'Give the sizes of the arrays that the buffers hold',
      })
    }
    checkBinding(device, 4 * count)
  }
}

/** Throws {@link OutOfMemoryError} for a buffer that no shader on this device could read whole. */
export function checkBinding({ limits }: GPUDevice, bytes: number): void {
  const most = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize)
  if (bytes <= most) return
  throw new OutOfMemoryError('sampling on the device', {
    found: `an array of ${bytes} bytes (out of memory that one shader can reach)`,
    expected: `at most ${most} bytes on this device`,
    remedy: "Sample with core's functions instead, or smaller batches",
  })
}
