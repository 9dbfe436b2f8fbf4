// What a tile shows where it reaches beyond the image.
import { voxelCount } from '../distribution/logit-distribution'

/** Outside the image: 0, the image mirrored at its border, or the border's voxels continued. */
export type Border = 'zero' | 'mirror' | 'edge'

/** The voxels from `corner` on, `size` along each axis, of every plane `[*spatial]` in `planes`. */
export function cutTile(
  planes: Float32Array,
  spatial: readonly number[],
  { corner, size }: { readonly corner: readonly number[]; readonly size: readonly number[] },
  border: Border,
): Float32Array {
  const sources = size.map((length, axis) =>
    Int32Array.from({ length }, (_, index) => sourceIndex(corner[axis]! + index, spatial[axis]!, border)),
  )
  const rows = rowStarts(sources.slice(0, -1), spatial)
  const along = sources.at(-1)!
  const voxels = voxelCount(spatial)
  const count = planes.length / voxels
  const tile = new Float32Array(count * voxelCount(size))
  let written = 0
  for (let plane = 0; plane < count; plane++) {
    for (const row of rows) {
      if (row >= 0) {
        const start = plane * voxels + row
        for (let index = 0; index < along.length; index++) {
          const source = along[index]!
          if (source >= 0) tile[written + index] = planes[start + source]!
        }
      }
      written += along.length
    }
  }
  return tile
}

/** Where each row begins in its plane; −1 for one that is 0. */
function rowStarts(sources: readonly Int32Array[], spatial: readonly number[]): number[] {
  return sources
    .reduce<number[]>(
      (outer, along, axis) =>
        outer.flatMap((row) =>
          Array.from(along, (index) => (row < 0 || index < 0 ? -1 : row * spatial[axis]! + index)),
        ),
      [0],
    )
    .map((row) => (row < 0 ? -1 : row * spatial.at(-1)!))
}

function sourceIndex(index: number, length: number, border: Border): number {
  if (index >= 0 && index < length) return index
  switch (border) {
    case 'zero':
      return -1
    case 'edge':
      return index < 0 ? 0 : length - 1
    case 'mirror': {
      // Again and again, where the image is smaller than what is asked for.
      const within = ((index % (2 * length)) + 2 * length) % (2 * length)
      return within < length ? within : 2 * length - 1 - within
    }
  }
}
