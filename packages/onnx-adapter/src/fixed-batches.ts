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
    const values = images.length / batch
    const parts: LogitDistribution[] = []
    for (let first = 0; first < batch; first += size) {
      const part = new Float32Array(size * values)
      part.set(images.subarray(first * values, (first + size) * values))
      parts.push(await predict(part, size, spatial))
    }
    return firstOf(parts, batch)
  }
}

/** The first `batch` images of several distributions laid end to end. */
function firstOf(parts: readonly LogitDistribution[], batch: number): LogitDistribution {
  const joined = (name: 'mean' | 'factor' | 'diagonal'): Float32Array => {
    const values = parts[0]![name].length / parts[0]!.batch
    const all = new Float32Array(parts.length * parts[0]!.batch * values)
    for (const [index, part] of parts.entries()) all.set(part[name], index * part[name].length)
    return all.subarray(0, batch * values)
  }
  return {
    ...{ ...parts[0]!, batch },
    ...{ mean: joined('mean'), factor: joined('factor'), diagonal: joined('diagonal') },
  }
}
