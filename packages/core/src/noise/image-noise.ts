// The noise of one image's samples, whatever it comes from: drawn as it is needed, given by the caller, or mirrored.
import { type Noise, normalsOfSamplesInto, type SampleRange } from './draw-noise'
import { FACTOR_PLANE } from './noise'

/** Samples that follow from counters. */
export interface DrawnSamples extends SampleRange {
  /** `[R, samples]`. */
  readonly z: Float32Array
  /** Whether every sample is followed by its mirror image. */
  readonly antithetic: boolean
}

/** The normals of M samples of one image. */
export interface ImageNoise {
  readonly samples: number
  /** `[R, M]`. */
  readonly z: Float32Array
  /** What it is drawn from; none where noise is explicit. */
  readonly drawn?: DrawnSamples
  /** Writes ε of all M samples at one logit to `output` from `offset` on. */
  epsilonInto(output: Float32Array, offset: number, klass: number, voxel: number): void
}

/** Noise drawn from its counters, whenever it is asked for. */
export function drawnNoise(range: SampleRange, rank: number): ImageNoise {
  const { samples } = range
  const z = new Float32Array(rank * samples)
  for (let component = 0; component < rank; component++) {
    normalsOfSamplesInto(z, component * samples, 1, range, component, FACTOR_PLANE)
  }
  return {
    samples,
    z,
    drawn: { ...range, z, antithetic: false },
    epsilonInto: (output, offset, klass, voxel) =>
      normalsOfSamplesInto(output, offset, 1, range, voxel, klass),
  }
}

/** Image `image` of explicit noise z `[M, N, R]`, epsilon `[M, N, C, *S]`. */
export function explicitNoise(
  { z, epsilon }: Noise,
  image: number,
  sizes: {
    readonly samples: number
    readonly batch: number
    readonly classes: number
    readonly rank: number
    readonly voxels: number
  },
): ImageNoise {
  const { samples, batch, classes, rank, voxels } = sizes
  const transposed = new Float32Array(rank * samples)
  for (let sample = 0; sample < samples; sample++) {
    for (let component = 0; component < rank; component++) {
      transposed[component * samples + sample] = z[(sample * batch + image) * rank + component]!
    }
  }
  const stride = batch * classes * voxels
  return {
    samples,
    z: transposed,
    epsilonInto(output, offset, klass, voxel) {
      const start = (image * classes + klass) * voxels + voxel
      for (let sample = 0; sample < samples; sample++)
        output[offset + sample] = epsilon[start + sample * stride]!
    },
  }
}

/** Twice as many samples: sample 2k has noise k, sample 2k + 1 its negative. */
export function antitheticNoise(noise: ImageNoise): ImageNoise {
  const epsilon = new Float32Array(noise.samples)
  return {
    samples: 2 * noise.samples,
    z: mirrorInto(new Float32Array(2 * noise.z.length), 0, noise.z),
    ...(noise.drawn && { drawn: { ...noise.drawn, antithetic: true } }),
    epsilonInto(output, offset, klass, voxel) {
      noise.epsilonInto(epsilon, 0, klass, voxel)
      mirrorInto(output, offset, epsilon)
    },
  }
}

function mirrorInto(output: Float32Array, offset: number, values: Float32Array): Float32Array {
  for (let index = 0; index < values.length; index++) {
    output[offset + 2 * index] = values[index]!
    output[offset + 2 * index + 1] = -values[index]!
  }
  return output
}
