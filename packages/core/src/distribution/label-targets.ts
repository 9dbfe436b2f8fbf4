// Label maps as the formulas take them: checked, and one-hot.
import { ShapeError, ValueError } from '../errors'

/** Sizes of N label maps. */
export interface LabelSizes {
  readonly batch: number
  readonly classes: number
  readonly voxels: number
}

/**
 * Throws {@link ShapeError} unless labels and roi are `[N, *S]`, and {@link ValueError} for a label inside the region
 * of interest that is no class: it must be below max(C, 2). Outside, any value may stand.
 */
export function checkLabels(
  labels: Uint8Array,
  { batch, classes, voxels }: LabelSizes,
  roi?: Uint8Array,
): void {
  if (!(labels instanceof Uint8Array) || labels.length !== batch * voxels) {
    throw new ShapeError('labels', {
      found:
        labels instanceof Uint8Array ? `${labels.length} values` : Object.prototype.toString.call(labels),
      expected: `a Uint8Array of ${batch} × ${voxels} values, [N, *S]`,
      remedy: 'Give one label map for each image, laid end to end',
    })
  }
  checkRoi(roi, batch, voxels)
  const values = Math.max(classes, 2)
  for (let index = 0; index < labels.length; index++) {
    if (labels[index]! >= values && (roi === undefined || roi[index] !== 0)) {
      throw new ValueError('labels', {
        found: `${labels[index]} at index ${index}`,
        expected: `values from 0 to ${values - 1}`,
        remedy: 'Map labels to classes first, or leave the voxel out through roi',
      })
    }
  }
}

/** Throws {@link ShapeError} unless the region of interest, if any, is `[N, *S]`. */
export function checkRoi(roi: Uint8Array | undefined, batch: number, voxels: number): void {
  if (roi !== undefined && (!(roi instanceof Uint8Array) || roi.length !== batch * voxels)) {
    throw new ShapeError('roi', {
      found: roi instanceof Uint8Array ? `${roi.length} values` : Object.prototype.toString.call(roi),
      expected: `a Uint8Array of ${batch} × ${voxels} values, [N, *S]`,
      remedy: 'Give one region for each image, 0 outside',
    })
  }
}

/**
 * One-hot labels `[N, max(C, 2), *S]` from label maps `[N, *S]`; all 0 outside `roi`.
 *
 * @throws ShapeError, ValueError as {@link checkLabels}.
 */
export function labelTargets(labels: Uint8Array, sizes: LabelSizes, roi?: Uint8Array): Float32Array {
  checkLabels(labels, sizes, roi)
  const values = Math.max(sizes.classes, 2)
  const targets = new Float32Array(labels.length * values)
  for (let index = 0; index < labels.length; index++) {
    if (roi !== undefined && roi[index] === 0) continue
    const voxel = index % sizes.voxels
    const image = (index - voxel) / sizes.voxels
    targets[(image * values + labels[index]!) * sizes.voxels + voxel] = 1
  }
  return targets
}
