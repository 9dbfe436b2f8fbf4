// A network's input from NIfTI files: one file a channel, masked and normalised as in training.
import { DataError, voxelCount } from '@stochseg/core'
import { checkIntensities } from './intensities'
import { type NiftiData, type NiftiVolume, readNifti } from './nifti'
import type { NiftiSpace } from './nifti-header'
import type { NiftiLayout } from './nifti-layout'

/** The paths of an image's files. */
export interface NiftiImageFiles {
  readonly channels: readonly string[]
  readonly mask?: string | undefined
}

/** An image or volume as a network reads it. */
export interface NiftiImage {
  /** `[channels, *spatial]`; 0 outside the mask. */
  readonly image: Float32Array
  readonly channels: number
  readonly spatial: readonly number[]
  /** Where the first channel lies. */
  readonly space: NiftiSpace
  /** `[*spatial]`: 1 inside the mask. */
  readonly roi?: Uint8Array
}

/**
 * Reads an image's channels and mask.
 *
 * Throws `DataError` for files that {@link readNifti} cannot read, of different sizes, or whose intensities are not finite; with
 * `z-score` for a channel that is the same everywhere.
 */
export async function readNiftiImage(
  { channels, mask }: NiftiImageFiles,
  normalisation: NiftiLayout['normalisation'] = 'none',
): Promise<NiftiImage> {
  const reference = channels[0]!
  const first = await readNifti(reference)
  const { spatial, space } = first
  const read = async (file: string): Promise<NiftiData> => {
    const volume = await readNifti(file)
    checkSize(file, volume, { spatial, reference })
    return volume.data
  }
  const roi = mask === undefined ? undefined : insideOf(await read(mask))
  const voxels = voxelCount(spatial)
  const image = new Float32Array(channels.length * voxels)
  for (const [channel, file] of channels.entries()) {
    const values = image.subarray(channel * voxels, (channel + 1) * voxels)
    values.set(channel === 0 ? first.data : await read(file))
    checkIntensities(file, values)
    if (normalisation === 'z-score') standardise(file, values, roi)
    if (roi) for (let voxel = 0; voxel < voxels; voxel++) if (roi[voxel] === 0) values[voxel] = 0
  }
  return { image, channels: channels.length, spatial, space, ...(roi && { roi }) }
}

/** Throws `DataError` unless a volume has the size of `reference`. */
export function checkSize(
  file: string,
  found: Pick<NiftiVolume, 'spatial'>,
  expected: { readonly spatial: readonly number[]; readonly reference: string },
): void {
  if (String(found.spatial) === String(expected.spatial)) return
  throw new DataError(file, {
    found: `a size of ${found.spatial.join(' × ')}`,
    expected: `${expected.spatial.join(' × ')}, as in ${expected.reference}`,
    remedy: 'Crop, pad or resample all volumes (labels with nearest neighbour) to one size',
  })
}

/** 1 where a mask is on. One that is stored as a scaled integer need not reach 1. */
function insideOf(mask: NiftiData): Uint8Array {
  const inside = new Uint8Array(mask.length)
  for (let voxel = 0; voxel < mask.length; voxel++) inside[voxel] = Number(mask[voxel]! > 0.5)
  return inside
}

/** Takes the mean off and divides by the standard deviation, both over the voxels inside. */
function standardise(file: string, values: Float32Array, roi: Uint8Array | undefined): void {
  const inside = roi ? values.filter((_, voxel) => roi[voxel] === 1) : values
  const mean = inside.reduce((sum, value) => sum + value, 0) / inside.length
  const variance = inside.reduce((sum, value) => sum + (value - mean) ** 2, 0) / inside.length
  if (!(variance > 0)) {
    throw new DataError(file, {
      found: inside.length === 0 ? 'no voxel inside the mask' : 'the same intensity everywhere',
      expected: 'intensities that differ',
      remedy: 'Repair or remove this patient',
    })
  }
  const deviation = Math.sqrt(variance)
  values.forEach((value, voxel) => {
    values[voxel] = (value - mean) / deviation
  })
}
