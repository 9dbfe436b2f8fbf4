// Normalisation in the reference interpreter: by given statistics, or by those of some images and channels.
import { build, type ReferenceTensor, range, sum, valueAt } from './reference-tensor'

export interface Statistics {
  readonly mean: number
  readonly variance: number
}

/** (x − mean) / √(variance + epsilon) · scale + bias, by the statistics of image n and channel c. */
export function normalise(
  input: ReferenceTensor,
  epsilon: number,
  part: (part: string) => Float32Array | undefined,
  of: (n: number, c: number) => Statistics,
): ReferenceTensor {
  const [batch, channels, ...spatial] = input.shape as [number, number, ...number[]]
  const all = range(batch).map((n) => range(channels).map((c) => of(n, c)))
  return build([batch, channels, ...spatial], (n, c, at) => {
    const { mean, variance } = all[n]![c]!
    const normalised = (valueAt(input, n, c, at) - mean) / Math.sqrt(variance + epsilon)
    return normalised * part('scale')![c]! + part('bias')![c]!
  })
}

/** Over all voxels of some images and channels; the variance is the biased one. */
export function statistics(
  input: ReferenceTensor,
  images: readonly number[],
  channels: readonly number[],
): Statistics {
  const voxels = input.shape.slice(2).reduce((product, length) => product * length, 1)
  const values = images.flatMap((n) =>
    channels.flatMap((c) => {
      const start = (n * input.shape[1]! + c) * voxels
      return [...input.data.subarray(start, start + voxels)]
    }),
  )
  const mean = sum(values) / values.length
  return { mean, variance: sum(values.map((value) => (value - mean) ** 2)) / values.length }
}
