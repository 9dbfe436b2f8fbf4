// Label maps as metrics take them: checked and taken apart.
import { ShapeError, ValueError } from '../errors'
import { UINT32_RANGE, wholeNumber } from '../whole-number'

/** How to read label maps that are laid end to end. */
export interface LabelMapSizes {
  /** Number of label values, background (0) included: 2 for binary masks. */
  readonly classes: number
  /** Voxels of one label map. */
  readonly voxels: number
  /** Region of interest, `[*S]`: where it is 0, every map counts as background, whatever its label. */
  readonly roi?: Uint8Array | undefined
}

/**
 * Views of the label maps that are laid end to end; their labels are not looked at.
 *
 * @throws ShapeError unless they are bytes and their length is a positive multiple of `voxels`.
 */
export function splitLabelMaps(subject: string, labelMaps: Uint8Array, voxels: number): Uint8Array[] {
  checkBytes(subject, labelMaps)
  wholeNumber('voxels', voxels, {
    least: 1,
    most: UINT32_RANGE - 1,
    remedy: 'It is the size of one label map',
  })
  if (labelMaps.length === 0 || labelMaps.length % voxels !== 0) {
    throw new ShapeError(subject, {
      found: `${labelMaps.length} values`,
      expected: `one or more label maps of ${voxels} voxels each, laid end to end`,
      remedy: 'Check the number of voxels',
    })
  }
  return Array.from({ length: labelMaps.length / voxels }, (_, map) =>
    labelMaps.subarray(map * voxels, (map + 1) * voxels),
  )
}

/** Throws {@link ValueError} unless `classes` is a whole number from 2 to 256. */
export function checkClasses(classes: number): void {
  wholeNumber('classes', classes, {
    least: 2,
    most: 256,
    remedy: 'Count the background too: binary masks have 2',
  })
}

/** Throws {@link ShapeError} unless the region of interest, where there is one, is `voxels` bytes. */
export function checkMetricRoi(roi: Uint8Array | undefined, voxels: number): void {
  if (roi === undefined) return
  checkBytes('roi', roi)
  if (roi.length !== voxels) {
    throw new ShapeError('roi', {
      found: `${roi.length} values`,
      expected: `${voxels}, one a voxel of a label map`,
      remedy: 'All label maps share one region',
    })
  }
}

/** Throws {@link ValueError} for the first label inside the region that is no class. */
export function checkLabels(
  subject: string,
  maps: readonly Uint8Array[],
  { classes, roi }: Pick<LabelMapSizes, 'classes' | 'roi'>,
): void {
  maps.forEach((map, which) => {
    const voxel = map.findIndex((label, index) => label >= classes && roi?.[index] !== 0)
    if (voxel < 0) return
    throw new ValueError(subject, {
      found: `label ${map[voxel]} at index ${which * map.length + voxel}`,
      expected: `labels from 0 to ${classes - 1}`,
      remedy: 'Map labels to classes first; a mask of 0 and 255 needs its 255 as 1',
    })
  })
}

/** Throws {@link ShapeError} unless label maps are bytes. */
export function checkBytes(subject: string, labelMaps: Uint8Array): void {
  if (labelMaps instanceof Uint8Array) return
  throw new ShapeError(subject, {
    found: Object.prototype.toString.call(labelMaps),
    expected: 'a Uint8Array',
    remedy: 'Label maps are bytes, one a voxel',
  })
}
