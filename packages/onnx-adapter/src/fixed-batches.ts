// Any number of images through a file that takes so many at once.
import type { LogitDistribution } from '@stochseg/core'

/** The distribution for `images` `[batch, channels, *spatial]`. */
export type Predict = (
  images: Float32Array,
  batch: number,
  spatial: readonly number[],
) => Promise<LogitDistribution>

/** `predict` in batches of `size`, the last of which is filled up with images of zeros. */
export function inFixedBatches(predict: Predict, size: number): Predict {
  return async (images, batch, spatial) => {
    const parts: LogitDistribution[] = []
    for (const part of filledBatches(images, batch, size)) parts.push(await predict(part, size, spatial))
    const joined = (name: 'mean' | 'factor' | 'diagonal'): Float32Array =>
      withoutFilling(
        parts.map((part) => part[name]),
        batch,
        size,
      )
    return {
      ...{ ...parts[0]!, batch },
      ...{ mean: joined('mean'), factor: joined('factor'), diagonal: joined('diagonal') },
    }
  }
}

/** Images in batches of `size`, the last of which is filled up with images of zeros. */
export function* filledBatches(images: Float32Array, batch: number, size: number): Generator<Float32Array> {
  const values = images.length / batch
  for (let first = 0; first < batch; first += size) {
    const part = new Float32Array(size * values)
    part.set(images.subarray(first * values, (first + size) * values))
    yield part
  }
}

/** What batches of `size` gave, laid end to end, for the first `batch` images. */
export function withoutFilling(parts: readonly Float32Array[], batch: number, size: number): Float32Array {
  const { length } = parts[0]!
  const all = new Float32Array(parts.length * length)
  for (const [index, part] of parts.entries()) all.set(part, index * length)
  return all.subarray(0, (batch * length) / size)
}
