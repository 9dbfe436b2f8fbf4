// Augmentation as a step between a data set and a training batch.
import type { CaseTransform, SizedCase } from '@stochseg/core'
import { type AugmentationOptions, augmentationOptions } from './augmentation-options'
import { type CaseArrays, deform } from './deformation'
import { arraysOf, drawDeformation } from './draw-deformation'

/**
 * Random rotation, crop, flips, right angles, elastic displacement and intensity, in that order, as a transform of 2D and
 * 3D cases of any number of channels. A case keeps its size; one to which nothing happens is given back as it is.
 *
 * All changes of place come to one map, so that a case is resampled once: intensities linearly, label maps and region of
 * interest at the nearest voxel of the same positions. What comes from beyond the image has the intensity of its edge, label
 * 0 and lies outside the region of interest, where the case has one. Flips and right angles alone are exact.
 *
 * What happens depends on (seed, position) alone. See {@link lidcAugmentation} and {@link bratsAugmentation} for the
 * authors' settings, and {@link augmentationPool} for the same in worker threads.
 *
 * @throws ValueError for an option out of range; in the transform, ShapeError for a case of other than two or three axes.
 */
export function augmentation(options: AugmentationOptions): CaseTransform {
  augmentationOptions(options)
  return (item, draw) => {
    const deformation = drawDeformation(options, item, draw)
    if (isEmpty(deformation)) return item
    return withArrays(item, deform(arraysOf(item), deformation))
  }
}

export function isEmpty(deformation: object): boolean {
  return Object.keys(deformation).length === 0
}

export function withArrays(item: SizedCase, { image, raters, roi }: CaseArrays): SizedCase {
  return { ...item, image, raters, ...(roi && { roi }) }
}
