// Edits of samples after inference (the paper's fig. 6): the random part of the logits is scaled, the noise kept.
import { ShapeError, ValueError } from '../errors'

/** logit = mean + temperature · classScale_c · (P (z ∘ componentScale) + √D ε). */
export interface Edits {
  /** Factor ≥ 0 on the standard deviation of every logit; 0 gives the mean. 1 by default. */
  readonly temperature?: number
  /** One finite factor a class, also negative (the paper goes from −3 to 3). All 1 by default. */
  readonly classScale?: readonly number[]
  /** One finite factor a component of the covariance factor. All 1 by default. */
  readonly componentScale?: readonly number[]
}

/** Edits as the arithmetic of samples takes them, in float32. */
export interface Scales {
  /** `[C]`: temperature · classScale. */
  readonly classScale: Float32Array
  /** `[R]`. */
  readonly componentScale: Float32Array
}

/** Checks edits. Throws {@link ShapeError} for a wrong number of factors, {@link ValueError} for one out of range. */
export function scalesOf(
  edits: Edits | undefined,
  { classes, rank }: { readonly classes: number; readonly rank: number },
): Scales {
  const { temperature = 1, classScale, componentScale } = edits ?? {}
  if (!(temperature >= 0 && Number.isFinite(temperature))) {
    throw new ValueError('temperature', {
      found: String(temperature),
      expected: 'a finite number ≥ 0',
      remedy: 'It scales the standard deviation: 0 gives the mean, 1 the distribution as it is',
    })
  }
  return {
    classScale: toFloat32('classScale', factors('classScale', classScale, classes), temperature),
    componentScale: toFloat32('componentScale', factors('componentScale', componentScale, rank), 1),
  }
}

function factors(name: string, given: readonly number[] | undefined, count: number): readonly number[] {
  if (given === undefined) return new Array<number>(count).fill(1)
  if (given.length !== count) {
    throw new ShapeError(name, {
      found: `${given.length} factors`,
      expected: `${count}, one for each`,
      remedy: 'classScale is [C], componentScale is [R]',
    })
  }
  return given
}

function toFloat32(name: string, given: readonly number[], scale: number): Float32Array {
  const scaled = Float32Array.from(given, (factor) => factor * scale)
  const wrong = scaled.findIndex((factor) => !Number.isFinite(factor))
  if (wrong >= 0) {
    throw new ValueError(name, {
      found: `${given[wrong]! * scale} at index ${wrong}`,
      expected: 'finite float32 numbers',
      remedy: 'The paper uses factors from −3 to 3',
    })
  }
  return scaled
}
