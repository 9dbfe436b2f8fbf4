// What happens to a case between the data set and a training batch: a patch is cut out of it, it is augmented.
import type { Case } from '../dataset'

/** A case with the sizes that belong to it alone, since a transform may change them. */
export interface SizedCase extends Case {
  readonly channels: number
  readonly spatial: readonly number[]
}

/** Where a transform's randomness comes from. No two items of a run have the same `position`. */
export interface TransformDraw {
  readonly seed: number
  /** The item's place in the run, so that a step can be repeated: a whole number ≥ 0. */
  readonly position: number
}

/**
 * Makes one case of another: a pure function of the case and the draw, so that a resumed run sees what it would have seen.
 *
 * Image, raters and region of interest are transformed alike; labels and region keep the image's size. (A network of valid
 * convolutions is held against their centre.)
 */
export type CaseTransform = (item: SizedCase, draw: TransformDraw) => SizedCase | Promise<SizedCase>

/** One transform after the other. */
export function chainTransforms(...transforms: readonly CaseTransform[]): CaseTransform {
  return async (item, draw) => {
    let result = item
    for (const transform of transforms) result = await transform(result, draw)
    return result
  }
}
