// Label maps as metrics take them: checked, and cut to the region of interest.
import { ShapeError, ValueError } from '../errors'
import { wholeNumber } from '../whole-number'

/** How to read label maps that are laid end to end. */
export interface LabelMapSizes {
  /** Number of label values, background (0) included: 2 for binary masks. */
  readonly classes: number
  /** Voxels of one label map. */
  readonly voxels: number
}

/**
 * Checks label maps laid end to end and gives their number.
 *
 * @throws ShapeError unless the length is a positive multiple of `voxels`.
 * @throws ValueError for `classes` below 2 or a label that is no class.
 */
export function countLabelMaps(
  subject: string,
  labelMaps: Uint8Array,
  { classes, voxels }: LabelMapSizes,
): number {
  wholeNumber('voxels', voxels, {
    least: 1,
    most: Number.MAX_SAFE_INTEGER,
    remedy: 'It is the size of one label map',
  })
  checkLabelValues(subject, labelMaps, classes)
  if (labelMaps.length === 0 || labelMaps.length % voxels !== 0) {
    throw new ShapeError(subject, {
      found: `${labelMaps.length} values`,
      expected: `one or more label maps of ${voxels} voxels each, laid end to end`,
      remedy: 'Check the number of voxels',
    })
  }
  return labelMaps.length / voxels
}

/** Throws {@link ShapeError} unless both label maps have as many voxels, {@link ValueError} as {@link countLabelMaps}. */
export function checkLabelMapPair(a: Uint8Array, b: Uint8Array, classes: number): void {
  checkLabelValues('first label map', a, classes)
  checkLabelValues('second label map', b, classes)
  if (a.length !== b.length) {
    throw new ShapeError('label maps', {
      found: `${a.length} and ${b.length} voxels`,
      expected: 'two label maps of one size',
      remedy: 'Bring both to the same grid',
    })
  }
}

function checkLabelValues(subject: string, labelMaps: Uint8Array, classes: number): void {
  wholeNumber('classes', classes, {
    least: 2,
    most: 256,
    remedy: 'Count the background too: binary masks have 2',
  })
  if (!(labelMaps instanceof Uint8Array)) {
    throw new ShapeError(subject, {
      found: Object.prototype.toString.call(labelMaps),
      expected: 'a Uint8Array',
      remedy: 'Label maps are bytes, one a voxel',
    })
  }
  const wrong = labelMaps.findIndex((label) => label >= classes)
  if (wrong >= 0) {
    throw new ValueError(subject, {
      found: `label ${labelMaps[wrong]} at index ${wrong}`,
      expected: `labels from 0 to ${classes - 1}`,
      remedy: 'Map labels to classes first; a mask of 0 and 255 needs its 255 as 1',
    })
  }
}

/** Label maps `[maps, *S]` with everything outside the region of interest `[*S]` made background. */
export function withinRoi(labelMaps: Uint8Array, roi: Uint8Array | undefined): Uint8Array {
  if (roi === undefined) return labelMaps
  return labelMaps.map((label, index) => (roi[index % roi.length] === 0 ? 0 : label))
}
