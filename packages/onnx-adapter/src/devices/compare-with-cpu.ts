// Whether a device computes what the CPU does.
import { RuntimeUnavailableError, standardNormals, voxelCount } from '@stochseg/core'
import type { OnnxSession, OutputValues } from '../session/onnx-session'
import type { Device } from './device'

/** How far two devices may be apart, relative to an output's largest value: float32 in another order stays far below. */
const TOLERANCE = 1e-3

/**
 * The largest difference between the outputs for one random image of `shape`, relative to each output's largest value.
 *
 * Throws {@link RuntimeUnavailableError} beyond 1e-3, or where an output is missing or of another shape.
 */
export async function compareWithCpu(
  device: Device,
  session: OnnxSession,
  cpu: OnnxSession,
  shape: readonly number[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const image = standardNormals(voxelCount(shape), { seed: 0 })
  const expected = await cpu.run(image, shape, signal)
  const found = await session.run(image, shape, signal)
  let largest = 0
  for (const [name, values] of Object.entries(expected)) {
    const difference = relativeDifference(found[name], values)
    if (!(difference <= TOLERANCE)) {
      throw new RuntimeUnavailableError(`device '${device}'`, {
        found: `an output '${name}' that differs from the CPU's by ${difference.toPrecision(2)} of its largest value`,
        expected: `at most ${TOLERANCE}`,
        remedy: 'Use the CPU, update the driver, and report the model and the device',
      })
    }
    largest = Math.max(largest, difference)
  }
  return largest
}

function relativeDifference(found: OutputValues | undefined, expected: OutputValues): number {
  if (!expected.data) return 0
  if (!found?.data || String(found.dims) !== String(expected.dims)) return Number.POSITIVE_INFINITY
  let difference = 0
  let scale = 1e-30
  expected.data.forEach((value, index) => {
    const distance = Math.abs(found.data![index]! - value)
    // NaN is a difference too.
    if (!(distance <= difference)) difference = distance
    scale = Math.max(scale, Math.abs(value))
  })
  return difference / scale
}
