// An image's noise as the kernels take it: z in quads of samples, and where ε stands in the counters.
import type { Scales } from '../distribution/edits'
import type { DrawnSamples, ImageNoise } from '../noise/image-noise'

/** Noise that kernels can draw: samples come in quads, as Philox gives them. */
export interface KernelNoise extends DrawnSamples {
  readonly firstQuad: number
  readonly quads: number
  /** Samples of the first quad before the first that is asked for. */
  readonly skipped: number
  /** `[quads, R, 4]`: z · component scale. */
  readonly z: Float32Array
  /** The largest ‖z · component scale‖ of a sample, rounded up. */
  readonly largest: number
  /** `[quads]`: the same for each quad. */
  readonly largestOfQuads: Float32Array
}

/** An image's drawn noise; undefined for explicit noise, which kernels do not take. */
export function kernelNoise({ drawn }: ImageNoise, { componentScale }: Scales): KernelNoise | undefined {
  if (drawn === undefined) return undefined
  const skipped = drawn.first % 4
  const quads = Math.ceil((skipped + drawn.samples) / 4)
  const rank = componentScale.length
  const z = new Float32Array(quads * rank * 4)
  const largestOfQuads = new Float32Array(quads)
  for (let sample = 0; sample < drawn.samples; sample++) {
    const position = skipped + sample
    let squares = 0
    for (let component = 0; component < rank; component++) {
      const value = Math.fround(drawn.z[component * drawn.samples + sample]! * componentScale[component]!)
      z[((position >> 2) * rank + component) * 4 + (position & 3)] = value
      squares += value * value
    }
    const quad = position >> 2
    largestOfQuads[quad] = Math.max(largestOfQuads[quad]!, Math.sqrt(squares) * (1 + 1e-6))
  }
  const largest = largestOfQuads.reduce((a, b) => Math.max(a, b), 0)
  const firstQuad = Math.floor(drawn.first / 4)
  return { ...drawn, firstQuad, quads, skipped, z, largest, largestOfQuads }
}
