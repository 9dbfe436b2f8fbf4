// Tiles along one axis: where they lie, and how much each counts where they overlap.

/** What an axis has to be covered with. */
export interface AxisLengths {
  /** Output voxels to cover: a length that one huge tile could have. */
  readonly frame: number
  /** Output voxels of a tile: `least + k · step`, and at most this many. */
  readonly tile: number
  readonly least: number
  /** Tiles start at multiples of it: a network with pooling or strides gives the same for no other shifts. */
  readonly step: number
  /** Voxels that two neighbours share, at least; a multiple of `step`. */
  readonly overlap: number
  /** How far from a tile's end its voxels see what the network pads it with; 0 for valid convolutions. */
  readonly reach: number
}

/** One tile along an axis. */
export interface AxisTile {
  /** Its first output voxel in the frame. */
  readonly start: number
  /** How much each of its voxels counts, from 0 to 1. At every voxel of the frame the tiles' weights add up to 1. */
  readonly weights: Float64Array
}

/**
 * As few tiles of one length as cover the frame, evenly spread.
 *
 * Where two share so many voxels that both are right (2 · reach), weights change from one to the other between what is
 * right in both; otherwise over all that they share, linearly. Valid convolutions are right everywhere: cut in the middle.
 */
export function axisTiles(lengths: AxisLengths): AxisTile[] {
  const { frame, step, overlap, least } = lengths
  const stride = (length: number): number => Math.floor((length - overlap) / step) * step
  let length = Math.min(lengths.tile, frame)
  const gaps = length < frame ? Math.ceil((frame - length) / stride(length)) : 0
  while (length - step >= least && gaps * stride(length - step) >= frame - (length - step)) length -= step
  const starts = Array.from({ length: gaps + 1 }, (_, index) =>
    index === gaps ? frame - length : Math.floor((index * (frame - length)) / gaps / step) * step,
  )
  const ramps = starts.slice(1).map((start, index) => ramp(starts[index]! + length - start, lengths.reach))
  const weights = starts.map((_, index) => tileWeights(length, ramps[index - 1], ramps[index]))
  return starts.map((start, index) => ({ start, weights: normalised(starts, weights, index) }))
}

/** Where weights rise in what two tiles share: after `before` voxels, over `length` of them; `after` are left. */
interface Ramp {
  readonly before: number
  readonly length: number
  readonly after: number
}

function ramp(shared: number, reach: number): Ramp {
  if (reach === 0) {
    const before = Math.ceil(shared / 2)
    return { before, length: 0, after: shared - before }
  }
  const margin = shared >= 2 * reach ? reach : 0
  return { before: margin, length: shared - 2 * margin, after: margin }
}

/** Rises with its neighbour before, falls with the one after. */
function tileWeights(length: number, rise: Ramp | undefined, fall: Ramp | undefined): Float64Array {
  const part = (distance: number, width: number): number =>
    width === 0 ? (distance >= 0 ? 1 : 0) : Math.min(1, Math.max(0, (distance + 0.5) / width))
  return Float64Array.from({ length }, (_, voxel) =>
    Math.min(
      rise ? part(voxel - rise.before, rise.length) : 1,
      fall ? part(length - 1 - voxel - fall.after, fall.length) : 1,
    ),
  )
}

/** Divided by the sum over all tiles: more than two can meet where overlaps are larger than half a tile. */
function normalised(
  starts: readonly number[],
  weights: readonly Float64Array[],
  index: number,
): Float64Array {
  return weights[index]!.map((weight, voxel) => {
    const position = starts[index]! + voxel
    const sum = starts.reduce((total, start, tile) => total + (weights[tile]![position - start] ?? 0), 0)
    return weight / sum
  })
}
