// What a data set is to training and evaluation: cases with an image and one label map per rater.

/** One image with the label maps of its raters. */
export interface Case {
  /** Stable and unique within its split, e.g. `patient/nodule/slice`. */
  readonly id: string
  /** Normalised intensities, planar `[channels, *spatial]`. */
  readonly image: Float32Array
  /** Label maps laid end to end `[raters, *spatial]`, values below `classes` (0 or 1 when binary). */
  readonly raters: Uint8Array
  /** Region of interest `[*spatial]`: where 0, a voxel is not in the loss and is labelled 0 in samples. */
  readonly roi?: Uint8Array
}

/** One split of a data set. Every case has the same channels, classes and spatial size. */
export interface Dataset {
  readonly name: string
  readonly channels: number
  /** Number of label values, background included (2 for binary masks). */
  readonly classes: number
  readonly spatial: readonly number[]
  readonly length: number
  /** Reads case `index` in `[0, length)`. Throws `DataError` or `ValueError` for a case that cannot be used. */
  case(index: number): Promise<Case>
}
