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

/**
 * The plane along the first axis on which raters marked most, the middle one where they marked nothing, as far as the region of
 * interest reaches on it.
 */
export function shownPlane(raters: Uint8Array, spatial: readonly number[], roi?: Uint8Array): ShownPlane {
  const [height, width] = spatial.slice(-2) as [number, number]
  const voxels = voxelCount(spatial)
  const pixels = height * width
  const marked = new Uint32Array(voxels / pixels)
  raters.forEach((label, index) => {
    if (label > 0) marked[Math.floor((index % voxels) / pixels)]!++
  })
  const most = marked.reduce(
    (best, count, plane) => (count > marked[best]! ? plane : best),
    marked.length >> 1,
  )
  const inside = roi?.subarray(most * pixels, (most + 1) * pixels)
  const [top, bottom] = extent(height, (row) => inside?.subarray(row * width, (row + 1) * width).includes(1))
  const [left, right] = extent(width, (column) => inside?.some((on, at) => on > 0 && at % width === column))
  return {
    name: spatial.length === 2 ? '' : `, plane ${most}`,
    spatial: [bottom - top, right - left],
    part<Values extends Uint8Array | Float32Array>(values: Values): Values {
      const size = (bottom - top) * (right - left)
      const parts = values.slice(0, (values.length / voxels) * size) as Values
      let to = 0
      for (let plane = most * pixels; plane < values.length; plane += voxels) {
        for (let row = top; row < bottom; row++, to += right - left) {
          parts.set(values.subarray(plane + row * width + left, plane + row * width + right), to)
        }
      }
      return parts
    },
  }
}

/** From the first to behind the last that is wanted; all where none is. */
function extent(
  length: number,
  wanted: (index: number) => boolean | undefined,
): readonly [first: number, end: number] {
  const chosen = Array.from({ length }, (_, index) => index).filter(wanted)
  return [chosen[0] ?? 0, (chosen.at(-1) ?? length - 1) + 1]
}
