// What of a case fits into a picture: all of an image, one plane of a volume.
import { voxelCount } from '@stochseg/core'

/** A plane of two dimensions. */
export interface ShownPlane {
  /** Words for the title; nothing for an image. */
  readonly name: string
  readonly spatial: readonly [height: number, width: number]
  /** The plane's part of arrays `[…, *spatial]`, laid end to end. */
  part<Values extends Uint8Array | Float32Array>(values: Values): Values
}

/** The plane along the first axis on which raters marked most, the middle one where they marked nothing. */
export function shownPlane(raters: Uint8Array, spatial: readonly number[]): ShownPlane {
  const [height, width] = spatial.slice(-2) as [number, number]
  const voxels = voxelCount(spatial)
  const pixels = height * width
  const planes = voxels / pixels
  const marked = new Uint32Array(planes)
  raters.forEach((label, index) => {
    if (label > 0) marked[Math.floor((index % voxels) / pixels)]!++
  })
  const most = marked.reduce((best, count, plane) => (count > marked[best]! ? plane : best), planes >> 1)
  return {
    name: spatial.length === 2 ? '' : `, plane ${most}`,
    spatial: [height, width],
    part<Values extends Uint8Array | Float32Array>(values: Values): Values {
      const parts = values.slice(0, (values.length / voxels) * pixels) as Values
      for (let at = 0; at * pixels < parts.length; at++) {
        const from = at * voxels + most * pixels
        parts.set(values.subarray(from, from + pixels), at * pixels)
      }
      return parts
    },
  }
}
