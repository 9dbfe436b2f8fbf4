// Patches of images that are too large to train on whole, cut out around a lesion as often as around anything else.
import type { Dataset } from '../dataset'
import { voxelCount } from '../distribution/logit-distribution'
import { ShapeError, ValueError } from '../errors'
import { randomInteger } from '../noise/random-integers'
import { UINT32_RANGE, wholeNumber } from '../whole-number'
import type { CaseTransform, SizedCase } from './case-transform'

/** What patches are cut out, and where. */
export interface PatchOptions {
  /** Size of a patch along each axis: the network's input. It may reach over the image's border. */
  readonly size: readonly number[]
  /** Share of the patches whose centre is a foreground voxel, in [0, 1]; ½ (the SSN paper's) unless given. */
  readonly foreground?: number
}

/** Streams of the two draws of a patch. Stream 0 at a position chooses the rater. */
const KIND_STREAM = 1
const VOXEL_STREAM = 2

/**
 * Cuts one patch out of a case, centred on a random voxel of the region of interest: on one of the foreground (any label above 0
 * in the first label map) or on one of the background, whichever there is where the other is missing.
 *
 * The centre of a patch is voxel ⌊size / 2⌋, which is also the centre of a valid convolution's output where that is smaller by an
 * even number. Where the patch reaches over the image's border, the image and its labels are 0, and the region of interest too.
 * Gives a function of the case and the draw alone; it remembers where each label map has foreground as long as the map is alive.
 *
 * @throws ValueError for a share out of range, and, of the transform, for a case without a region of interest to speak of;
 * ShapeError for a size that is none, or of other dimensions than the case.
 */
export function patches({ size, foreground = 0.5 }: PatchOptions): CaseTransform {
  if (size.length === 0 || !size.every((length) => Number.isInteger(length) && length >= 1)) {
    throw new ShapeError('patch size', {
      found: `[${size}]`,
      expected: 'a whole number of voxels for each axis',
      remedy: "Take a size that the network reads; patchSizes gives DeepMedic's",
    })
  }
  if (!(foreground >= 0 && foreground <= 1)) {
    throw new ValueError('share of foreground patches', {
      found: String(foreground),
      expected: 'a number from 0 to 1',
      remedy: 'The SSN paper takes 0.5',
    })
  }
  const centres = rememberedCentres()
  return (item, { seed, position }) => {
    if (item.spatial.length !== size.length) {
      throw new ShapeError(`patch of ${item.id}`, {
        found: `a size of ${size.length} dimensions`,
        expected: `${item.spatial.length}, as the image has`,
        remedy: 'Give a length for each axis',
      })
    }
    const { lesion, other } = centres(item)
    const coin = randomInteger({ seed, stream: KIND_STREAM, index: position }, UINT32_RANGE)
    const wanted = coin < foreground * UINT32_RANGE ? [lesion, other] : [other, lesion]
    const voxels = wanted.find((list) => list.length > 0)
    if (!voxels) {
      throw new ValueError(`region of interest of ${item.id}`, {
        found: 'no voxel inside',
        expected: 'at least one',
        remedy: 'Repair its mask, or remove the case',
      })
    }
    const centre = voxels[randomInteger({ seed, stream: VOXEL_STREAM, index: position }, voxels.length)]!
    return cut(item, centre, size)
  }
}

/** Each case `times` times, one after the other: an epoch, and a validation, then has so many patches of each. */
export function repeatCases(dataset: Dataset, times: number): Dataset {
  wholeNumber('patches of a case', times, { least: 1, most: UINT32_RANGE, remedy: 'The SSN paper takes 20' })
  return {
    ...dataset,
    length: dataset.length * times,
    case: (index) => dataset.case(Math.floor(index / times)),
  }
}

/** Voxels on which a patch may be centred. */
interface Centres {
  readonly lesion: Uint32Array
  readonly other: Uint32Array
}

/** Label maps are views of a case's raters: the same buffer and offset mean the same map. */
function rememberedCentres(): (item: SizedCase) => Centres {
  const known = new WeakMap<ArrayBufferLike, Map<number, Centres>>()
  return ({ raters, roi, spatial }) => {
    const ofBuffer = known.get(raters.buffer) ?? new Map<number, Centres>()
    known.set(raters.buffer, ofBuffer)
    const centres =
      ofBuffer.get(raters.byteOffset) ?? findCentres(raters.subarray(0, voxelCount(spatial)), roi)
    ofBuffer.set(raters.byteOffset, centres)
    return centres
  }
}

function findCentres(labels: Uint8Array, roi: Uint8Array | undefined): Centres {
  const chosen = (wanted: boolean): Uint32Array => {
    const isChosen = (voxel: number): boolean => roi?.[voxel] !== 0 && labels[voxel]! > 0 === wanted
    let count = 0
    for (let voxel = 0; voxel < labels.length; voxel++) if (isChosen(voxel)) count++
    const voxels = new Uint32Array(count)
    for (let voxel = 0, next = 0; next < count; voxel++) if (isChosen(voxel)) voxels[next++] = voxel
    return voxels
  }
  return { lesion: chosen(true), other: chosen(false) }
}

function cut(item: SizedCase, centre: number, size: readonly number[]): SizedCase {
  const { spatial, channels } = item
  const start = Array<number>(size.length)
  let rest = centre
  for (let axis = size.length - 1; axis >= 0; axis--) {
    start[axis] = (rest % spatial[axis]!) - Math.floor(size[axis]! / 2)
    rest = Math.floor(rest / spatial[axis]!)
  }
  const box: Box = { spatial, start, size }
  const raters = item.raters.length / voxelCount(spatial)
  const patchVoxels = voxelCount(size)
  return {
    ...item,
    spatial: size,
    image: copyBox(item.image, new Float32Array(channels * patchVoxels), box),
    raters: copyBox(item.raters, new Uint8Array(raters * patchVoxels), box),
    roi: copyBox(item.roi ?? new Uint8Array(voxelCount(spatial)).fill(1), new Uint8Array(patchVoxels), box),
  }
}

/** A part of an image of size `spatial`, which may reach over its border. */
interface Box {
  readonly spatial: readonly number[]
  readonly start: readonly number[]
  readonly size: readonly number[]
}

/** Fills the planes `[…, *size]` of `target` with the box of the planes `[…, *spatial]`, leaving alone what is outside. */
function copyBox<Values extends Float32Array | Uint8Array>(
  source: Values,
  target: Values,
  { spatial, start, size }: Box,
): Values {
  const last = size.length - 1
  const first = Math.max(0, start[last]!)
  const end = Math.min(spatial[last]!, start[last]! + size[last]!)
  const copy = (axis: number, from: number, to: number): void => {
    if (axis === last) {
      if (first >= end) return
      const row = source.subarray(from * spatial[axis]! + first, from * spatial[axis]! + end)
      target.set(row, to * size[axis]! + first - start[axis]!)
      return
    }
    for (let index = 0; index < size[axis]!; index++) {
      const at = start[axis]! + index
      if (at >= 0 && at < spatial[axis]!) copy(axis + 1, from * spatial[axis]! + at, to * size[axis]! + index)
    }
  }
  const planes = target.length / voxelCount(size)
  for (let plane = 0; plane < planes; plane++) copy(0, plane, plane)
  return target
}
