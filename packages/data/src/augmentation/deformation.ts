// A change of one case as plain data, which any thread can carry out: where each voxel comes from, and its intensities.
// The worker's program is made of this file and what it imports, so it imports no package.
import { applied, type Matrix } from './affine-map'
import { type ElasticLattice, ElasticRows } from './elastic-displacement'

type Triple = readonly [number, number, number]

/** What is done to a case. A missing part is not done. */
export interface Deformation {
  /**
   * The voxel at `o`, counted from the image's middle, comes from `matrix · o + offset`, and from the elastic displacement at
   * `o` further.
   */
  readonly geometry?: {
    readonly matrix: Matrix
    readonly offset: Triple
    readonly elastic?: ElasticLattice
  }
  /** For each channel. */
  readonly intensity?: { readonly scale: readonly number[]; readonly shift: readonly number[] }
}

/** A case's arrays and their sizes, with a depth of 1 for images. */
export interface CaseArrays {
  readonly channels: number
  readonly size: Triple
  readonly image: Float32Array
  readonly raters: Uint8Array
  readonly roi?: Uint8Array
}

/** Carries out a deformation. The arrays given stay as they are; those not changed are given back. */
export function deform(arrays: CaseArrays, { geometry, intensity }: Deformation): CaseArrays {
  const moved = geometry ? resample(arrays, geometry) : arrays
  return intensity ? { ...moved, image: withIntensity(moved, intensity) } : moved
}

function withIntensity(
  { image, channels }: CaseArrays,
  { scale, shift }: NonNullable<Deformation['intensity']>,
): Float32Array {
  const voxels = image.length / channels
  const output = new Float32Array(image.length)
  for (let channel = 0; channel < channels; channel++) {
    const factor = scale[channel]!
    const term = shift[channel]!
    for (let at = channel * voxels; at < (channel + 1) * voxels; at++) output[at] = image[at]! * factor + term
  }
  return output
}

/**
 * Resamples everything at the same positions, once: intensities linearly, beyond the edge as at the edge; label maps and
 * region of interest at the nearest voxel, beyond the edge 0.
 */
function resample(
  arrays: CaseArrays,
  { matrix, offset, elastic }: NonNullable<Deformation['geometry']>,
): CaseArrays {
  const { size, raters, roi } = arrays
  const [depth, height, width] = size
  const output = {
    ...arrays,
    image: new Float32Array(arrays.image.length),
    raters: new Uint8Array(raters.length),
    ...(roi && { roi: new Uint8Array(roi.length) }),
  }
  const middle = size.map((length) => (length - 1) / 2) as unknown as Triple
  const toMiddle = applied(matrix, middle)
  const displacement = elastic && new ElasticRows(elastic, width)
  const onLattice =
    !elastic &&
    [...matrix, ...toMiddle.map((at, axis) => middle[axis]! + offset[axis]! - at)].every(Number.isInteger)
  const positions = new Float64Array(3 * width)
  const nearest = new Int32Array(width)

  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      const start = applied(matrix, [z, y, 0])
      for (let axis = 0; axis < 3; axis++) {
        const from = start[axis]! - toMiddle[axis]! + middle[axis]! + offset[axis]!
        const step = matrix[3 * axis + 2]!
        for (let x = 0; x < width; x++) positions[axis * width + x] = from + x * step
      }
      displacement?.addTo(positions, z, y)
      const row = (z * height + y) * width
      nearestVoxels(nearest, positions, size)
      copyNearest(output.raters, raters, nearest, row, depth * height * width)
      if (roi) copyNearest(output.roi!, roi, nearest, row, roi.length)
      if (onLattice) copyNearest(output.image, arrays.image, nearest, row, depth * height * width)
      else interpolate(output.image, arrays, positions, row)
    }
  }
  return output
}

/** The voxel nearest to each position; −1 beyond the edge. */
function nearestVoxels(nearest: Int32Array, positions: Float64Array, [depth, height, width]: Triple): void {
  for (let x = 0; x < width; x++) {
    const i = Math.floor(positions[x]! + 0.5)
    const j = Math.floor(positions[width + x]! + 0.5)
    const k = Math.floor(positions[2 * width + x]! + 0.5)
    const inside = i >= 0 && i < depth && j >= 0 && j < height && k >= 0 && k < width
    nearest[x] = inside ? (i * height + j) * width + k : -1
  }
}

function copyNearest<T extends Float32Array | Uint8Array>(
  output: T,
  source: T,
  nearest: Int32Array,
  row: number,
  voxels: number,
): void {
  for (let first = 0; first < source.length; first += voxels) {
    for (let x = 0; x < nearest.length; x++) {
      const voxel = nearest[x]!
      if (voxel >= 0) output[first + row + x] = source[first + voxel]!
    }
  }
}

function interpolate(
  output: Float32Array,
  { image, size: [depth, height, width] }: CaseArrays,
  positions: Float64Array,
  row: number,
): void {
  const plane = height * width
  const voxels = depth * plane
  for (let x = 0; x < width; x++) {
    const pz = Math.min(Math.max(positions[x]!, 0), depth - 1)
    const py = Math.min(Math.max(positions[width + x]!, 0), height - 1)
    const px = Math.min(Math.max(positions[2 * width + x]!, 0), width - 1)
    const i = pz | 0
    const j = py | 0
    const k = px | 0
    const fz = pz - i
    const fy = py - j
    const fx = px - k
    // On the last voxel the weight of the next is 0: take itself.
    const down = i < depth - 1 ? plane : 0
    const below = j < height - 1 ? width : 0
    const right = k < width - 1 ? 1 : 0
    for (let at = i * plane + j * width + k, to = row + x; at < image.length; at += voxels, to += voxels) {
      const a = image[at]!
      const b = image[at + below]!
      const near = a + fx * (image[at + right]! - a)
      const upper = near + fy * (b + fx * (image[at + below + right]! - b) - near)
      const c = image[at + down]!
      const d = image[at + down + below]!
      const far = c + fx * (image[at + down + right]! - c)
      const lower = far + fy * (d + fx * (image[at + down + below + right]! - d) - far)
      output[to] = upper + fz * (lower - upper)
    }
  }
}
