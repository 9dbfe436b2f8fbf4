// Images of any size: predicted tile by tile, the distribution's parameters put together, so that one z is drawn for the
// whole image.
import type { Float16Distribution } from '../distribution/float16'
import { checkRoi } from '../distribution/label-targets'
import { checkedDistribution, type LogitDistribution, voxelCount } from '../distribution/logit-distribution'
import { ModelError, OutOfMemoryError, ShapeError, StochsegError, ValueError } from '../errors'
import { pendingEvents } from '../event-loop'
import type { AsyncOptions } from '../kernels/run-jobs-async'
import { type Border, cutTile } from './border'
import type { NetworkGeometry } from './network-geometry'
import { isOutOfMemory } from './out-of-memory'
import { type StitchedParameters, stitchedFloat16, stitchedFloat32 } from './stitched-parameters'
import { planTiles, smallerTile, type Tile, type TilePlan } from './tile-plan'

/** A network's forward pass on planar images `[batch, channels, *spatial]`. */
export type Predict = (
  images: Float32Array,
  batch: number,
  spatial: readonly number[],
) => Promise<LogitDistribution>

/** Images of any size. */
export interface WholeImages {
  /** `[batch, channels, *spatial]`, normalised as in training. */
  readonly images: Float32Array
  readonly batch: number
  readonly spatial: readonly number[]
  /** `[batch, *spatial]`: where 0, the distribution is certain of label 0; tiles wholly outside are not predicted. */
  readonly roi?: Uint8Array | undefined
}

/** How an image is tiled, and what its distribution is kept in. */
export interface WholeImageOptions extends AsyncOptions {
  /** What the network does to sizes. */
  readonly geometry: NetworkGeometry
  /** Size of a tile as the network reads it, at most; 1024 pixels along each axis of an image and 144 of a volume unless given. */
  readonly tile?: readonly number[] | undefined
  /**
   * Voxels that the outputs of neighbouring tiles share along each axis, at least. Unless given, none for valid convolutions;
   * for padded ones as many as make tiles equal the whole image where that is at most half a tile, otherwise a quarter.
   */
  readonly overlap?: readonly number[] | undefined
  /** What the network sees beyond the image's border; zeros for valid convolutions, the image mirrored for padded ones. */
  readonly border?: Border | undefined
  /** `float16` keeps factor and standard deviation in half the memory, at an error of 1/2048 for each tile that shares a voxel. */
  readonly storage?: 'float32' | 'float16' | undefined
  /** Hears that memory ran out and which size is tried next. A warning on the console unless given. */
  readonly onSmallerTile?: ((size: readonly number[]) => void) | undefined
}

/**
 * The distribution for whole images. Beside its own arrays there is one tile in memory.
 *
 * Overlapping tiles give weighted averages of mean, factor and diagonal. A sample is linear in mean and factor: its low-rank
 * part is thus the same average of the tiles' samples of one z. An image that is smaller than a tile is padded.
 *
 * Throws {@link ShapeError} for sizes that do not fit, {@link ValueError} for an option that there is not and for an image
 * or an output that is not finite (it names the tile), {@link OutOfMemoryError} where memory runs out with the smallest tile
 * or for the distribution itself; rejects with the signal's reason when it is aborted, which is looked at before each tile.
 */
export function predictWholeImage(
  predict: Predict,
  whole: WholeImages,
  options: WholeImageOptions & { readonly storage: 'float16' },
): Promise<Float16Distribution>
export function predictWholeImage(
  predict: Predict,
  whole: WholeImages,
  options: WholeImageOptions & { readonly storage?: 'float32' | undefined },
): Promise<LogitDistribution>
export function predictWholeImage(
  predict: Predict,
  whole: WholeImages,
  options: WholeImageOptions,
): Promise<LogitDistribution | Float16Distribution>
export async function predictWholeImage(
  predict: Predict,
  whole: WholeImages,
  options: WholeImageOptions,
): Promise<LogitDistribution | Float16Distribution> {
  const { geometry, overlap, onSmallerTile = warn } = options
  checkImages(whole)
  checkChoice('border', options.border, ['zero', 'mirror', 'edge'])
  checkChoice('storage', options.storage, ['float32', 'float16'])
  const stitch = stitcher(predict, whole, options)
  let tile = options.tile
  for (;;) {
    const plan = planTiles(geometry, whole.spatial, { ...(tile && { tile }), ...(overlap && { overlap }) })
    try {
      return await stitch(plan)
    } catch (error) {
      if (!(error instanceof TileTooLarge)) throw error
      tile = smallerTile(geometry, plan, overlap)
      if (tile === undefined) throw noMemory(plan, error.cause)
      onSmallerTile(tile)
    }
  }
}

/** {@link predictWholeImage} as a forward pass that takes images of any size; `roi` may be added. */
export function wholeImagePrediction(
  predict: Predict,
  options: WholeImageOptions & { readonly storage?: 'float32' | undefined },
): (
  images: Float32Array,
  batch: number,
  spatial: readonly number[],
  roi?: Uint8Array,
) => Promise<LogitDistribution> {
  return (images, batch, spatial, roi) => predictWholeImage(predict, { images, batch, spatial, roi }, options)
}

/** A tile for which memory does not suffice. */
class TileTooLarge extends Error {}

/** Predicts the tiles of a plan and puts them together, in the same arrays at each call. */
function stitcher(
  predict: Predict,
  { images, batch, spatial, roi }: WholeImages,
  { signal, onProgress, border, storage }: WholeImageOptions,
): (plan: TilePlan) => Promise<LogitDistribution | Float16Distribution> {
  const create = storage === 'float16' ? stitchedFloat16 : stitchedFloat32
  let stitched: StitchedParameters | undefined
  let model: Pick<LogitDistribution, 'classes' | 'rank'> | undefined

  return async (plan) => {
    const isPadded = String(plan.size) === String(plan.outputSize)
    const beyond = border ?? (isPadded ? 'mirror' : 'zero')
    const inside = plan.tiles.filter((tile) => roi === undefined || meets(tile, roi, batch, spatial))
    // Without any voxel of interest, the first tile tells classes and rank.
    const tiles = inside.length > 0 ? inside : plan.tiles.slice(0, 1)
    stitched?.clear()
    for (const [index, tile] of tiles.entries()) {
      await pendingEvents()
      signal?.throwIfAborted()
      const name = `tile ${index + 1} of ${tiles.length}, from voxel [${tile.corner}] on`
      const input = cutTile(images, spatial, { corner: tile.corner, size: plan.size }, beyond)
      const parameters = await predictTile(predict, input, batch, plan.size, name)
      model ??= { classes: parameters.classes, rank: parameters.rank }
      checkOutput(name, parameters, { batch, ...model, spatial: plan.outputSize })
      stitched ??= create({ batch, ...model, spatial: [...spatial] })
      stitched.add(parameters, tile)
      onProgress?.(index + 1, tiles.length)
    }
    return stitched!.finish(roi)
  }
}

async function predictTile(
  predict: Predict,
  images: Float32Array,
  batch: number,
  size: readonly number[],
  name: string,
): Promise<LogitDistribution> {
  try {
    return checkedDistribution(await predict(images, batch, size))
  } catch (cause) {
    if (isOutOfMemory(cause)) throw new TileTooLarge(name, { cause })
    if (!(cause instanceof StochsegError)) throw cause
    const { subject, found, expected, remedy } = cause
    const SameError = cause.constructor as typeof StochsegError
    throw new SameError(`${name}: ${subject}`, { found, expected, remedy, cause })
  }
}

/** Whether a tile gives any voxel of the region of interest. */
function meets({ kept }: Tile, roi: Uint8Array, batch: number, spatial: readonly number[]): boolean {
  const rows = kept.slice(0, -1).reduce<number[]>(
    (outer, { start, weights }, axis) =>
      outer.flatMap((row) => Array.from(weights, (_, index) => row * spatial[axis]! + start + index)),
    Array.from({ length: batch }, (_, item) => item),
  )
  const { start, weights } = kept.at(-1)!
  return rows.some((row) => {
    const begin = row * spatial.at(-1)! + start
    return roi.subarray(begin, begin + weights.length).some((value) => value !== 0)
  })
}

function checkImages({ images, batch, spatial, roi }: WholeImages): void {
  const voxels = voxelCount(spatial)
  if (!(batch >= 1 && voxels >= 1 && images.length > 0 && images.length % (batch * voxels) === 0)) {
    throw new ShapeError('images', {
      found: `${images.length} values`,
      expected: `a multiple of ${batch} × ${voxels}, [batch, channels, *spatial] with [${spatial}] voxels`,
      remedy: 'Give planar images of at least one voxel',
    })
  }
  checkRoi(roi, batch, voxels)
  const wrong = images.findIndex((value) => !Number.isFinite(value))
  if (wrong >= 0) {
    throw new ValueError('images', {
      found: `${images[wrong]} at voxel ${wrong % voxels} of plane ${Math.floor(wrong / voxels)}`,
      expected: 'finite intensities',
      remedy: 'Replace missing values before segmenting',
    })
  }
}

function checkChoice(name: string, given: string | undefined, choices: readonly string[]): void {
  if (given === undefined || choices.includes(given)) return
  throw new ValueError(name, {
    found: String(given),
    expected: choices.join(' or '),
    remedy: 'Choose one of them, or leave it out',
  })
}

function checkOutput(
  name: string,
  { batch, classes, rank, spatial }: LogitDistribution,
  expected: Pick<LogitDistribution, 'batch' | 'classes' | 'rank' | 'spatial'>,
): void {
  const shape = (sizes: typeof expected): string =>
    `batch ${sizes.batch}, ${sizes.classes} classes, rank ${sizes.rank}, [${sizes.spatial}] voxels`
  const found = shape({ batch, classes, rank, spatial })
  if (found === shape(expected)) return
  throw new ModelError(name, {
    found: `an output of ${found}`,
    expected: shape(expected),
    remedy: 'The geometry must be that of the network',
  })
}

function noMemory({ size }: TilePlan, cause: unknown): OutOfMemoryError {
  return new OutOfMemoryError('prediction', {
    found: `no memory for tiles of ${size.join(' × ')}, the smallest that network and overlap allow`,
    expected: 'room for one of them',
    remedy: 'Close other programs, let tiles share fewer voxels, or choose another device',
    cause,
  })
}

function warn(size: readonly number[]): void {
  console.warn(`stochseg: memory ran out; trying again with tiles of ${size.join(' × ')}.`)
}
