// How stored intensities become a network's input, alike in every format.
import { DataError } from '@stochseg/core'

/** Integer intensities `[…]` as image values: [0, largest] becomes [−½, ½] (the authors' normalisation). */
export function normalizeIntensities(data: ArrayLike<number>, largest: number): Float32Array {
  return Float32Array.from(data, (value) => value / largest - 0.5)
}

/** Throws {@link DataError} for NaN or infinite intensities. */
export function checkIntensities(subject: string, image: Float32Array): void {
  const index = image.findIndex((value) => !Number.isFinite(value))
  if (index >= 0) {
    throw new DataError(subject, {
      found: `${image[index]} at pixel ${index}`,
      expected: 'finite intensities',
      remedy: 'Repair or remove this image',
    })
  }
}
