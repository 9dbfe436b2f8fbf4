// Which tiles an image is predicted in: their input, and the part of their output that is kept.
import { ModelError, ShapeError } from '../errors'
import { axisTiles } from './axis-tiles'
import { type NetworkGeometry, paddedSize } from './network-geometry'

/** A tile's output along one axis. */
export interface KeptVoxels {
  /** First voxel of the image that is taken from the tile. */
  readonly start: number
  /** The same voxel in the tile's output. */
  readonly offset: number
  /** How much each voxel counts from there on, in (0, 1]. */
  readonly weights: Float64Array
}

/** One tile. */
export interface Tile {
  /** The first voxel that the network reads, in the image: negative where it lies outside. */
  readonly corner: readonly number[]
  /** For each axis. */
  readonly kept: readonly KeptVoxels[]
}

/** All tiles of an image, of one size. */
export interface TilePlan {
  /** Voxels that the network reads of a tile. */
  readonly size: readonly number[]
  /** Voxels that it gives. */
  readonly outputSize: readonly number[]
  readonly tiles: readonly Tile[]
}

/** A tile's size where none is asked for: what a network reads along each axis of an image or a volume. */
const TILE_EDGES: Readonly<Record<number, number>> = { 2: 1024, 3: 144 }

/**
 * Cuts an image of `spatial` voxels into tiles.
 *
 * @param options `tile`: the size of a tile's input, at most; `overlap`: voxels that neighbouring outputs share, at least.
 * @throws ShapeError for sizes that do not fit, ModelError for a network whose output has another resolution.
 */
export function planTiles(
  geometry: NetworkGeometry,
  spatial: readonly number[],
  options: { readonly tile?: readonly number[]; readonly overlap?: readonly number[] } = {},
): TilePlan {
  const { minimumSize, multipleOf } = geometry
  checkAxes('image', spatial, minimumSize.length, 1)
  if (options.tile) checkAxes('tile', options.tile, minimumSize.length, 1)
  if (options.overlap) checkAxes('overlap', options.overlap, minimumSize.length, 0)
  const context = contextOf(geometry)
  const frame = paddedSize(
    geometry,
    spatial.map((length, axis) => length + context[axis]!),
  )
  const axes = spatial.map((length, axis) => {
    const step = multipleOf[axis]!
    const edge = options.tile?.[axis] ?? TILE_EDGES[spatial.length] ?? frame[axis]!
    const input = largestSize(minimumSize[axis]!, step, edge)
    if (input === undefined) {
      throw new ShapeError('tile', {
        found: `${edge} voxels along axis ${axis}`,
        expected: `at least ${minimumSize[axis]}, the smallest image that the network takes`,
        remedy: `Ask for tiles of ${minimumSize.join(' × ')} or more`,
      })
    }
    const tile = input - context[axis]!
    const outputFrame = frame[axis]! - context[axis]!
    const reach = paddingReach(geometry.receptiveField[axis]!, context[axis]!, step)
    const wish = options.overlap?.[axis]
    if (wish !== undefined && tile < outputFrame) checkOverlap(wish, { tile, step, axis })
    const overlap = tileOverlap(wish, { tile, step, reach })
    const least = minimumSize[axis]! - context[axis]!
    const tiles = axisTiles({ frame: outputFrame, tile, least, step, overlap, reach })
    return { tiles, length, shift: Math.floor((outputFrame - length) / 2), context: context[axis]! }
  })
  const outputSize = axes.map(({ tiles }) => tiles[0]!.weights.length)
  return {
    size: outputSize.map((length, axis) => length + context[axis]!),
    outputSize,
    tiles: product(axes.map(({ tiles }) => tiles)).flatMap((along) => {
      const kept = along.map(({ start, weights }, axis) =>
        keptVoxels(start - axes[axis]!.shift, weights, axes[axis]!.length),
      )
      if (kept.some(({ weights }) => weights.length === 0)) return []
      const corner = along.map(
        ({ start }, axis) => start - axes[axis]!.shift - Math.floor(axes[axis]!.context / 2),
      )
      return [{ corner, kept }]
    }),
  }
}

/** The plan's tile size with the longest axis of its output halved, as far as the network and `overlap` allow it. */
export function smallerTile(
  geometry: NetworkGeometry,
  { size, outputSize }: TilePlan,
  overlap: readonly number[] = size.map(() => 0),
): number[] | undefined {
  const { minimumSize, multipleOf } = geometry
  const longestFirst = outputSize.map((_, axis) => axis).sort((a, b) => outputSize[b]! - outputSize[a]!)
  for (const axis of longestFirst) {
    const context = size[axis]! - outputSize[axis]!
    const half = Math.floor(outputSize[axis]! / 2) + context
    const step = multipleOf[axis]!
    const smaller = largestSize(minimumSize[axis]!, step, half) ?? minimumSize[axis]!
    const hasRoom = overlap[axis]! <= mostOverlap(smaller - context, step)
    if (smaller < size[axis]! && hasRoom)
      return size.map((length, other) => (other === axis ? smaller : length))
  }
  return undefined
}

/** Voxels along each axis that the network reads and does not give: 0 where its convolutions pad. */
function contextOf(geometry: NetworkGeometry): number[] {
  const { minimumSize, multipleOf } = geometry
  const next = minimumSize.map((length, axis) => length + multipleOf[axis]!)
  const [least, more] = [geometry.outputSize(minimumSize), geometry.outputSize(next)]
  const context = minimumSize.map((length, axis) => length - least[axis]!)
  const isDense = context.every((lost, axis) => lost >= 0 && next[axis]! - more[axis]! === lost)
  if (isDense) return context
  throw new ModelError('network', {
    found: `outputs of ${least.join(' × ')} and ${more.join(' × ')} for images of ${minimumSize.join(' × ')} and ${next.join(' × ')}`,
    expected: 'one output voxel for each input voxel, or a fixed number fewer',
    remedy: 'Let the network end in the resolution of its image',
  })
}

/** How far from a tile's end its output depends on what the network pads with. */
function paddingReach(receptiveField: number, context: number, step: number): number {
  // A valid network's output reads what it was given and nothing else.
  if (receptiveField <= context + step) return 0
  // A voxel may lie at either end of a cell of `step` voxels, around which the receptive field lies.
  return Math.max(0, Math.ceil((receptiveField + step) / 2) - 1 - Math.floor(context / 2))
}

/** A multiple of `step` that leaves tiles room to advance; without a wish, enough to be exact, or a quarter of a tile. */
function tileOverlap(
  wish: number | undefined,
  { tile, step, reach }: { readonly tile: number; readonly step: number; readonly reach: number },
): number {
  const whole = (voxels: number): number => Math.ceil(voxels / step) * step
  const exact = whole(2 * reach)
  return Math.min(mostOverlap(tile, step), whole(wish ?? (exact <= tile / 2 ? exact : tile / 4)))
}

/** What tiles can share and still advance. */
function mostOverlap(tile: number, step: number): number {
  return Math.max(0, Math.floor(tile / step) - 1) * step
}

function checkOverlap(
  overlap: number,
  { tile, step, axis }: { readonly tile: number; readonly step: number; readonly axis: number },
): void {
  const most = mostOverlap(tile, step)
  if (overlap <= most) return
  throw new ShapeError('overlap', {
    found: `${overlap} voxels along axis ${axis}`,
    expected: `at most ${most}, as a tile's output has ${tile}`,
    remedy: 'Let tiles share fewer voxels, or ask for larger tiles',
  })
}

/** The part of a tile that lies in the image and counts. */
function keptVoxels(start: number, weights: Float64Array, length: number): KeptVoxels {
  let first = Math.max(0, -start)
  let end = Math.min(weights.length, length - start)
  while (first < end && weights[first] === 0) first++
  while (end > first && weights[end - 1] === 0) end--
  return { start: start + first, offset: first, weights: weights.subarray(first, Math.max(first, end)) }
}

function largestSize(least: number, step: number, most: number): number | undefined {
  return most < least ? undefined : least + Math.floor((most - least) / step) * step
}

function product<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((rows, list) => rows.flatMap((row) => list.map((item) => [...row, item])), [[]])
}

function checkAxes(name: string, size: readonly number[], axes: number, least: number): void {
  if (size.length === axes && size.every((length) => Number.isInteger(length) && length >= least)) return
  throw new ShapeError(`${name} size`, {
    found: size.join(' × ') || 'nothing',
    expected: `${axes} whole numbers ≥ ${least}, one for each axis of the network`,
    remedy: 'Give voxels along each axis, slowest first',
  })
}
